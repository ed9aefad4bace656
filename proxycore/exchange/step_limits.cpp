// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

#include "base/clock.h"

namespace llmproxy {

Verdict Exchange::takeLimits()
{
    const TokenTerms &token = m_token->terms;
    Reason code = Reason::None;
    RateDecision rate;
    m_lease = Lease::acquire(m_token->state, {token.maxRequests, token.rateLimit, token.maxConcurrent},
                             Clock::wallMs() * 1000, &code, &rate);
    if (code == Reason::None) {
        m_admittedUs = Clock::steadyUs();
        return Verdict::Next;
    }
    Refusal no = llmproxy::refusal(code, "");
    if (code == Reason::RateLimitExceeded) {
        no.message = "this access token's rate limit of " + std::to_string(rate.limit) + " requests a minute is used up";
        no.retryAfter = rate.retryAfterSeconds;
        no.rateLimit = rate.limit;
        no.rateRemaining = 0;
        no.rateReset = rate.resetSeconds;
    } else if (code == Reason::RequestQuotaExceeded) {
        no.message = "this access token's " + std::to_string(token.maxRequests) + " requests are used up";
        no.retryAfter = std::max<int64_t>((token.expiresMs - Clock::wallMs() + 999) / 1000, 1);
        no.retryIsUseless = true; // the OpenAI and Anthropic SDKs read x-should-retry
        no.rateLimit = token.maxRequests;
        no.rateRemaining = 0;
        no.rateReset = no.retryAfter;
    } else {
        no.message = "this access token already has " + std::to_string(token.maxConcurrent) + " requests running";
        no.retryAfter = 1;
        no.rateLimit = token.maxConcurrent;
        no.rateRemaining = 0;
        no.rateReset = 1;
    }
    return refuse(std::move(no));
}

Verdict Exchange::sayContinue()
{
    if (m_head.expectContinue)
        m_stream.sendContinue();
    return Verdict::Next;
}

} // namespace llmproxy
