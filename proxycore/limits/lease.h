// SPDX-License-Identifier: GPL-3.0-only
// What one admitted request holds of its token's limits: a concurrency slot and one reserved request of
// max_requests. It cannot leak: the destructor gives back what was not settled. Thread: its request's.
#pragma once

#include "access/lineage_state.h"
#include "base/reason.h"
#include "limits/rate.h"

#include <memory>

namespace llmproxy {

struct LimitPolicy
{
    int64_t maxRequests = 0;   // 0: none
    int64_t ratePerMinute = 0; // 0: none
    int64_t maxConcurrent = 0; // 0: none
};

class Lease
{
public:
    Lease() = default;
    ~Lease() { release(); }
    Lease(Lease &&other) noexcept { *this = std::move(other); }
    Lease &operator=(Lease &&other) noexcept;
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;

    // Takes from the rate first: a refusal gives back the slot and the reserved request, never the rate, or refused requests
    // would be free. *code is None when admitted.
    static Lease acquire(std::shared_ptr<LineageState> state, const LimitPolicy &policy, int64_t nowUs,
                         Reason *code, RateDecision *rate);
    // The request counts towards max_requests, or is given back (ruling 23). Once; then only the slot is held.
    void settle(bool counts);
    void release();

private:
    std::shared_ptr<LineageState> m_state;
    bool m_reserved = false;
};

} // namespace llmproxy
