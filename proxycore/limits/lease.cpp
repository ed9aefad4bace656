// SPDX-License-Identifier: GPL-3.0-only
#include "limits/lease.h"

namespace llmproxy {

Lease &Lease::operator=(Lease &&other) noexcept
{
    if (this != &other) {
        release();
        m_state = std::move(other.m_state);
        other.m_state.reset();
        m_reserved = other.m_reserved;
        other.m_reserved = false;
    }
    return *this;
}

Lease Lease::acquire(std::shared_ptr<LineageState> state, const LimitPolicy &policy, int64_t nowUs,
                     Reason *code, RateDecision *rate)
{
    *code = Reason::None;
    *rate = takeRate(state->rateTatUs, policy.ratePerMinute, nowUs);
    if (!rate->allowed) {
        *code = Reason::RateLimitExceeded;
        return {};
    }
    // Reserved requests count as used, so two threads cannot both take the last one.
    const int64_t reserved = state->inFlight.fetch_add(1) + 1;
    if (policy.maxRequests > 0 && state->requests.load() + reserved > policy.maxRequests)
        *code = Reason::RequestQuotaExceeded;
    const int64_t active = state->active.fetch_add(1) + 1;
    if (*code == Reason::None && policy.maxConcurrent > 0 && active > policy.maxConcurrent)
        *code = Reason::TooManyConcurrent;
    Lease lease;
    lease.m_state = std::move(state);
    lease.m_reserved = true;
    if (*code != Reason::None)
        lease.release();
    return lease;
}

void Lease::settle(bool counts)
{
    if (!m_reserved)
        return;
    m_reserved = false;
    if (counts) // before the reservation goes, so that the sum never dips
        m_state->requests.fetch_add(1);
    m_state->inFlight.fetch_sub(1);
}

void Lease::release()
{
    if (!m_state)
        return;
    settle(false);
    m_state->active.fetch_sub(1);
    m_state.reset();
}

} // namespace llmproxy
