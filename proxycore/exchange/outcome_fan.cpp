// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/outcome_fan.h"

namespace llmproxy {

LiveRequest OutcomeFan::liveOf(const RequestOutcome &outcome)
{
    LiveRequest out;
    out.id = outcome.id;
    out.requestId = outcome.requestId;
    out.phase = "ended";
    out.durationMs = outcome.durationMs;
    out.startedMs = outcome.endedMs - outcome.durationMs;
    if (outcome.timings.firstByteDownUs >= 0)
        out.firstByteMs = (outcome.timings.firstByteDownUs - std::max<int64_t>(outcome.timings.acceptedUs, 0)) / 1000;
    out.method = outcome.method;
    out.endpoint = outcome.endpoint;
    out.clientIp = outcome.clientIp;
    out.tokenMasked = outcome.maskedToken;
    out.tokenUuid = outcome.tokenId();
    out.projectId = outcome.projectId();
    out.provider = outcome.provider;
    out.model = outcome.model;
    out.status = outcome.status;
    out.requestBytes = outcome.requestBytes;
    out.responseBytes = outcome.responseBytes;
    out.promptTokens = outcome.usage.promptTokens;
    out.completionTokens = outcome.usage.completionTokens;
    out.streamedEvents = outcome.streamedEvents;
    out.result = nameOf(outcome.result);
    out.reason = nameOf(outcome.reason);
    return out;
}

} // namespace llmproxy
