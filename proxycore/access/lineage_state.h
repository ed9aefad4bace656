// SPDX-License-Identifier: GPL-3.0-only
// Counters and limiter state of one token lineage: atomics beside the snapshot, shared by all threads
// and by every token of the lineage, so that refreshing never resets them. The storage thread saves
// them every second. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace llmproxy {

struct LineageState
{
    std::atomic<int64_t> requests{0};       // counted towards max_requests
    std::atomic<int64_t> inFlight{0};       // reserved, neither counted nor given back yet
    std::atomic<int64_t> active{0};         // running requests (max_concurrent leases)
    std::atomic<int64_t> rateTatUs{0};      // GCRA theoretical arrival time, wall microseconds
    std::atomic<int64_t> lastUsedMs{0};
    std::atomic<int64_t> promptTokens{0};
    std::atomic<int64_t> completionTokens{0};
};

// Ruling 23: whether a forwarded request counts towards max_requests. The exchange decides it from what
// happened, storage from the audit event of the same request: one rule, or a restart would change counters.
// upstreamStatus 0: the upstream gave no answer.
inline bool countsTowardsQuota(bool forwarded, int64_t upstreamStatus, std::string_view result, std::string_view reason)
{
    if (!forwarded)
        return false;
    if (upstreamStatus == 0)
        return result != "error" || reason == "client_cancelled" || reason == "stream_cut" || reason == "upstream_first_byte_timeout";
    return upstreamStatus != 429 && upstreamStatus < 500;
}

} // namespace llmproxy
