// SPDX-License-Identifier: GPL-3.0-only
// A data-plane request as an administrator sees it while it runs, or just after. Objects by id, tokens masked, no query, no
// body. Thread: a value.
#pragma once

#include <cstdint>
#include <string>

namespace llmproxy {

struct LiveRequest
{
    std::string id;         // ours (UUID): no client chooses it, so it names one request
    std::string requestId;  // X-Request-ID: the client's when sane; several requests may have the same
    std::string phase;      // receiving, waiting (for the provider), streaming, ended
    int64_t startedMs = 0;  // wall clock
    int64_t durationMs = 0;
    int64_t firstByteMs = -1; // from the start to the provider's first byte; -1: not yet
    std::string method, endpoint, clientIp;
    std::string tokenUuid, tokenMasked, projectId, provider, model;
    int status = 0;         // 0: not yet
    int64_t requestBytes = 0, responseBytes = 0;
    int64_t promptTokens = -1, completionTokens = -1; // -1: unknown
    int64_t streamedEvents = 0;                       // server-sent events with data so far
    std::string result, reason; // when ended
};

} // namespace llmproxy
