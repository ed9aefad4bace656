// SPDX-License-Identifier: GPL-3.0-only
#include "limits/rate.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr int64_t minuteUs = 60'000'000;
constexpr int64_t graceUs = 1'000'000;

int64_t secondsUp(int64_t us)
{
    return us <= 0 ? 0 : (us + 999'999) / 1'000'000;
}

} // namespace

RateDecision takeRate(std::atomic<int64_t> &theoreticalUs, int64_t perMinute, int64_t nowUs)
{
    RateDecision decision;
    decision.limit = perMinute;
    if (perMinute <= 0)
        return decision;
    const int64_t interval = std::max<int64_t>(minuteUs / perMinute, 1);
    const int64_t burst = interval * perMinute;
    int64_t seen = theoreticalUs.load(std::memory_order_relaxed);
    // It is never further ahead than a burst, but when the clock was set back: the rest of that is forgiven, and forgotten, or
    // the clock would have to come all the way before anything is allowed again.
    // A second's grace: another thread's clock reading may be a little newer than this one.
    while (seen > nowUs + burst + graceUs) {
        if (theoreticalUs.compare_exchange_weak(seen, nowUs + burst, std::memory_order_relaxed))
            seen = nowUs + burst;
    }
    while (true) {
        const int64_t next = std::max(seen, nowUs) + interval;
        const int64_t ahead = next - nowUs;
        if (ahead > burst) {
            decision.allowed = false;
            decision.retryAfterSeconds = std::max<int64_t>(secondsUp(ahead - burst), 1);
            decision.resetSeconds = secondsUp(ahead - interval);
            return decision;
        }
        if (theoreticalUs.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
            decision.remaining = (burst - ahead) / interval;
            decision.resetSeconds = secondsUp(ahead);
            return decision;
        }
    }
}

} // namespace llmproxy
