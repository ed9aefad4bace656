// SPDX-License-Identifier: GPL-3.0-only
// Counters and limiter state of one token lineage: atomics beside the snapshot, shared by all threads
// and by every token of the lineage, so that refreshing never resets them. The storage thread saves
// them every second. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

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
    std::atomic<int64_t> heldBytes{0};      // of bodies in memory that are looked at whole (exchange/held_budget.h); not saved
};

} // namespace llmproxy
