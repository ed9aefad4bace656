// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/credential.h"

#include "audit/masking.h"
#include "base/clock.h"
#include "base/percent.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

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
    std::string query = head.query.find("k") == std::string::npos && head.query.find('%') == std::string::npos
                            ? head.query : withoutKey(head.query, &found);
    if (cleanQuery)
        *cleanQuery = std::move(query);
    std::erase_if(found, [](const std::string &value) { return value.empty(); });
    return found;
}

Reason stateOf(const TokenEntry &token, int64_t nowMs)
{
    if (token.terms.revokedMs != 0)
        return Reason::Revoked;
    if (token.terms.expiresMs <= nowMs)
        return Reason::Expired;
    return token.terms.liveAt(nowMs) ? Reason::None : Reason::Superseded;
}

} // namespace

SentCredential readCredential(const RequestHead &head, const Snapshot &snapshot, const AccessTokenHasher &hasher, std::string *cleanQuery)
{
    const std::vector<std::string> found = credentialsOf(head, cleanQuery);
    SentCredential sent;
    for (const std::string &value : found) {
        const bool isFirst = &value == &found.front();
        if (!isFirst && value == found.front())
            continue;
        const bool isToken = isWellFormedAccessToken(value);
        const TokenPtr token = isToken && !sent.token ? snapshot.tokenByHash(hasher.hash(value)) : nullptr;
        if (token) {
            sent.token = token;
            sent.tokenState = stateOf(*token, Clock::wallMs());
        }
        if (token || isFirst)
            sent.masked = token ? std::string(token->masked()) : maskSecret(value);
        sent.reason = !isFirst ? Reason::ConflictingCredentials : !isToken ? Reason::Malformed : !token ? Reason::Unknown : sent.tokenState;
    }
    for (const std::string &value : found)
        wipe(const_cast<char *>(value.data()), value.size());
    return sent;
}

} // namespace llmproxy
