// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/outcome_event.h"

#include <algorithm>

namespace llmproxy {

namespace {

// The phases of a request in milliseconds: accepted, admitted, dialled, first byte up, first byte down, end.
std::vector<int64_t> timingOf(const OutcomeTimings &timings)
{
    std::vector<int64_t> all;
    all.reserve(6);
    for (const int64_t us : timings.all())
        all.push_back(us < 0 ? -1 : us / 1000);
    return all;
}

OutcomeResult resultNamed(std::string_view word)
{
    const auto found = std::find(std::begin(resultWords), std::end(resultWords), word);
    return found == std::end(resultWords) ? OutcomeResult::Error : static_cast<OutcomeResult>(found - std::begin(resultWords));
}

// By the key, so that one pass over the details does.
void readDetail(RequestOutcome &outcome, std::string_view key, const AuditEvent::Detail &value)
{
    if (const auto *const text = std::get_if<std::string>(&value)) {
        if (key == "token_uuid")
            outcome.storedToken = *text;
        else if (key == "token_id")
            outcome.maskedToken = *text;
        else if (key == "reason")
            outcome.reason = reasonNamed(*text);
        else if (key == "provider")
            outcome.provider = *text;
        else if (key == "model")
            outcome.model = *text;
        else if (key == "user_agent")
            outcome.userAgent = *text;
        else if (key == "service_tier")
            outcome.usage.serviceTier = *text;
    } else if (const auto *const number = std::get_if<int64_t>(&value)) {
        if (key == "count") {
            outcome.isSummary = true;
            outcome.count = *number;
        } else if (key == "status")
            outcome.status = static_cast<int>(*number);
        else if (key == "upstream_status")
            outcome.upstreamStatus = static_cast<int>(*number);
        else if (key == "duration_ms")
            outcome.durationMs = *number;
        else if (key == "prompt_tokens")
            outcome.usage.promptTokens = *number;
        else if (key == "completion_tokens")
            outcome.usage.completionTokens = *number;
        else if (const auto part = std::find(usagePartNames.begin(), usagePartNames.end(), key); part != usagePartNames.end())
            outcome.usage.parts[static_cast<size_t>(part - usagePartNames.begin())] = *number;
    } else if (const auto *const flag = std::get_if<bool>(&value)) {
        if (key == "forwarded")
            outcome.forwarded = *flag;
        else if (key == "estimated")
            outcome.usage.estimated = *flag;
    }
}

} // namespace

// Ruling 51. Unknown is absent.
static void addUsage(AuditEvent &event, const Usage &usage)
{
    if (usage.promptTokens >= 0)
        event.ownValue("prompt_tokens", usage.promptTokens);
    if (usage.completionTokens >= 0)
        event.ownValue("completion_tokens", usage.completionTokens);
    for (size_t part = 0; part < usage.parts.size(); ++part) {
        if (usage.parts[part] >= 0)
            event.ownValue(usagePartNames[part], usage.parts[part]);
    }
    event.ownText("service_tier", std::string(usage.serviceTier));
    if (usage.estimated)
        event.ownValue("estimated", true);
}

AuditEvent eventOf(const RequestOutcome &outcome)
{
    AuditEvent event(Action::TokenAccess, "client", nameOf(outcome.result));
    event.timestampMs = outcome.endedMs;
    event.projectId = outcome.projectId();
    event.requestId = outcome.requestId;
    event.clientIp = outcome.clientIp;
    event.details.reserve(20);
    event.ownText("http_method", outcome.method); // one of seven
    event.ownText("endpoint", outcome.endpoint);
    event.ownValue("status", int64_t{outcome.status});
    event.ownValue("duration_ms", outcome.durationMs);
    event.ownText("token_id", outcome.maskedToken);
    event.ownText("user_agent", outcome.userAgent);
    event.ownText("reason", std::string(nameOf(outcome.reason)));
    if (outcome.tokenState != outcome.reason)
        event.ownText("token_state", std::string(nameOf(outcome.tokenState)));
    event.ownText("provider", outcome.provider);
    event.ownText("model", outcome.model);
    addUsage(event, outcome.usage);
    event.ownValue("request_bytes", outcome.requestBytes);
    event.ownValue("response_bytes", outcome.responseBytes);
    event.ownValue("forwarded", outcome.forwarded);
    if (outcome.upstreamStatus > 0)
        event.ownValue("upstream_status", int64_t{outcome.upstreamStatus});
    event.details.emplace_back("timing", timingOf(outcome.timings));
    event.ownText("token_uuid", std::string(outcome.tokenId()));
    return event;
}

RequestOutcome outcomeOf(const AuditEvent &event)
{
    RequestOutcome outcome;
    outcome.result = resultNamed(event.result);
    outcome.endedMs = event.timestampMs;
    outcome.clientIp = event.clientIp;
    outcome.requestId = event.requestId;
    outcome.storedProject = event.projectId;
    for (const auto &[key, value] : event.details)
        readDetail(outcome, key, value);
    return outcome;
}

} // namespace llmproxy
