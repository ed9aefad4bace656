// SPDX-License-Identifier: GPL-3.0-only
#include "engine/counted_refusals.h"

#include <algorithm>

namespace llmproxy {

namespace {

AuditEvent bareEvent(const CountedRefusals &counted)
{
    if (counted.kind == RefusedKind::Preflight)
        return {Action::TokenAccess, "client", "success"};
    if (counted.token)
        return {Action::TokenAccess, "client", counted.isTokenValid ? "denied" : "failure"};
    return {Action::AuthFailure, counted.kind == RefusedKind::Management ? "management" : "client", "failure"};
}

} // namespace

void CountedRefusals::add(const IpAddress &place, Reason reason, int64_t nowMs, size_t mostPlaces)
{
    ++count;
    lastMs = nowMs;
    if (places.size() < mostPlaces)
        places.insert(place);
    else
        morePlaces = morePlaces || !places.contains(place);
    const auto found = std::find_if(reasons.begin(), reasons.end(), [reason](const auto &one) { return one.first == reason; });
    if (found == reasons.end())
        reasons.emplace_back(reason, 1);
    else
        ++found->second;
}

AuditEvent CountedRefusals::event() const
{
    AuditEvent event = bareEvent(*this);
    event.timestampMs = lastMs;
    const bool isOfOne = !isOfAll && !morePlaces && places.size() == 1;
    if (isOfOne)
        event.clientIp = places.begin()->toString();
    if (token) {
        event.projectId = token->projectId();
        event.ownText("token_id", std::string(token->masked()));
    }
    event.ownValue("count", count);
    event.ownText("reasons", reasonsText(reasons));
    if (!isOfOne)
        event.ownValue(morePlaces ? "addresses_at_least" : "addresses", static_cast<int64_t>(places.size()));
    if (event.action == Action::AuthFailure)
        event.ownText("of", std::string(nameOf(kind == RefusedKind::Management ? Action::AuthFailure : Action::TokenAccess)));
    else
        event.ownValue("forwarded", false);
    if (token)
        event.ownText("token_uuid", std::string(token->id()));
    return event;
}

std::string reasonsText(std::vector<std::pair<Reason, int64_t>> reasons)
{
    std::stable_sort(reasons.begin(), reasons.end(), [](const auto &a, const auto &b) { return a.second > b.second; });
    std::string text;
    for (const auto &[reason, count] : reasons)
        text.append(text.empty() ? "" : ",").append(nameOf(reason)).append(":").append(std::to_string(count));
    return text;
}

} // namespace llmproxy
