// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

#include "audit/masking.h"
#include "base/clock.h"
#include "base/percent.h"
#include "secrets/access_token.h"

#include <algorithm>

namespace llmproxy {

namespace {

// application/x-www-form-urlencoded: a plus is a space, too.
std::string formDecoded(std::string_view text)
{
    std::string spaced(text);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percentDecoded(spaced);
}

// Takes every "key" parameter out of a query; the rest stays byte for byte.
std::string withoutKey(std::string_view query, std::vector<std::string> *found)
{
    std::string rest;
    while (!query.empty()) {
        const size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        const size_t equals = pair.find('=');
        if (formDecoded(pair.substr(0, equals)) == "key") {
            if (equals != std::string_view::npos)
                found->push_back(formDecoded(pair.substr(equals + 1)));
        } else {
            rest.append(rest.empty() ? "" : "&").append(pair);
        }
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    }
    return rest;
}

std::vector<std::string> credentialsOf(const RequestHead &head, std::string *cleanQuery)
{
    std::vector<std::string> found;
    for (const Header &header : head.headers) {
        std::string_view value = header.value;
        if (equalsIgnoreCase(header.name, "authorization")) {
            if (value.size() < 7 || !equalsIgnoreCase(value.substr(0, 7), "bearer "))
                continue; // another scheme carries no access token; it is dropped all the same
            found.emplace_back(trimmed(value.substr(7)));
        } else if (equalsIgnoreCase(header.name, "x-api-key") || equalsIgnoreCase(header.name, "api-key")
                   || equalsIgnoreCase(header.name, "x-goog-api-key")) {
            found.emplace_back(trimmed(value));
        }
    }
    *cleanQuery = head.query.find("k") == std::string::npos && head.query.find('%') == std::string::npos
                      ? head.query : withoutKey(head.query, &found);
    std::erase_if(found, [](const std::string &value) { return value.empty(); });
    return found;
}

} // namespace

Verdict Exchange::readCredential()
{
    const std::vector<std::string> found = credentialsOf(m_head, &m_cleanQuery);
    for (const std::string &value : found) {
        if (value != found.front())
            return refuse(Reason::ConflictingCredentials, "two different credentials were sent; send the access token once");
    }
    Reason reason = Reason::None;
    if (found.empty()) {
        reason = Reason::MissingToken;
    } else if (!isWellFormedAccessToken(found.front())) {
        m_maskedToken = maskSecret(found.front());
        reason = Reason::Malformed;
    } else {
        const TokenPtr token = m_snapshot->tokenByHash(m_context.hasher->hash(found.front()));
        const int64_t now = Clock::wallMs();
        m_maskedToken = token ? std::string(token->masked()) : maskSecret(found.front());
        if (!token) {
            reason = Reason::Unknown;
        } else {
            m_token = token;
            if (token->terms.revokedMs != 0)
                reason = Reason::Revoked;
            else if (token->terms.expiresMs <= now)
                reason = Reason::Expired;
            else if (!token->terms.liveAt(now))
                reason = Reason::Superseded;
        }
    }
    for (const std::string &value : found)
        wipe(const_cast<char *>(value.data()), value.size());
    if (reason == Reason::None) {
        m_expiry.start(m_token->terms.expiresMs - Clock::wallMs());
        return Verdict::Next;
    }
    return refuseStranger(reason, !found.empty());
}

// Ruling 41: over the limit refusals are summed up, not recorded one by one.
Verdict Exchange::refuseStranger(Reason why, bool sentToken)
{
    const RateDecision failures = m_context.addresses->takeAuthFailure(m_stream.peer().address, Clock::wallMs() * 1000);
    if (!failures.allowed) {
        Refusal tooMany = llmproxy::refusal(Reason::RateLimitExceeded, "too many failed authentications from this address");
        tooMany.retryAfter = failures.retryAfterSeconds;
        tooMany.rateLimit = failures.limit;
        tooMany.rateRemaining = failures.remaining;
        tooMany.rateReset = failures.resetSeconds;
        conclude(OutcomeResult::Failure, tooMany.status, why, nullptr, true);
        m_stream.refuse(tooMany);
        return Verdict::Stop;
    }
    Refusal no = sentToken ? llmproxy::refusal(Reason::InvalidToken, "this access token is not valid")
                           : llmproxy::refusal(Reason::MissingToken, "no access token was sent; put it where the API key goes");
    no.reason = why;
    return refuse(std::move(no));
}

} // namespace llmproxy
