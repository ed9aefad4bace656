// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

#include "base/clock.h"
#include "exchange/credential.h"

namespace llmproxy {

// Also for the event of a request that is refused before this step, or by it.
Reason Exchange::lookAtCredential()
{
    m_sawCredential = true;
    SentCredential sent = llmproxy::readCredential(m_head, *m_snapshot, *m_context.hasher, &m_cleanQuery);
    m_token = std::move(sent.token);
    m_tokenState = sent.tokenState;
    m_maskedToken = std::move(sent.masked);
    for (const char *const name : {"authorization", "x-api-key", "api-key", "x-goog-api-key"})
        m_head.headers.wipe(name); // none of them travels
    return sent.reason;
}

Verdict Exchange::readCredential()
{
    const Reason reason = lookAtCredential();
    if (reason == Reason::ConflictingCredentials)
        return refuse(reason, "two different credentials were sent; send the access token once");
    if (reason != Reason::None)
        return refuseCredential(reason);
    m_expiry.start(m_token->terms.expiresMs - Clock::wallMs());
    return Verdict::Next;
}

Verdict Exchange::refuseCredential(Reason why)
{
    const RateDecision failures = m_context.addresses->takeAuthFailure(m_stream.peer().address, Clock::wallMs() * 1000);
    Refusal no;
    if (!failures.allowed) {
        no = llmproxy::refusal(Reason::RateLimitExceeded, "too many failed authentications from this address");
        no.retryAfter = failures.retryAfterSeconds;
        no.rateLimit = failures.limit;
        no.rateRemaining = failures.remaining;
        no.rateReset = failures.resetSeconds;
    } else if (why == Reason::MissingToken) {
        no = llmproxy::refusal(Reason::MissingToken, "no access token was sent; put it where the API key goes");
    } else {
        no = llmproxy::refusal(Reason::InvalidToken, "this access token is not valid");
    }
    no.reason = why;
    return refuse(std::move(no), OutcomeResult::Failure);
}

} // namespace llmproxy
