// SPDX-License-Identifier: GPL-3.0-only
// Rate limits by GCRA (ITU-T I.371 generic cell rate algorithm): one atomic per limited thing, no lock,
// no timer. N per minute: burst N, refill N/60 per second. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace llmproxy {

struct RateDecision
{
    bool allowed = true;
    int64_t limit = 0;             // per minute
    int64_t remaining = 0;         // requests that would pass right now
    int64_t resetSeconds = 0;      // until the burst is whole again, from now
    int64_t retryAfterSeconds = 0; // when refused, at least 1
};

// theoreticalUs: arrival time state, wall microseconds. perMinute ≤ 0: always allowed.
RateDecision takeRate(std::atomic<int64_t> &theoreticalUs, int64_t perMinute, int64_t nowUs);

} // namespace llmproxy
