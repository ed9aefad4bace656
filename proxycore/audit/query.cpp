// SPDX-License-Identifier: GPL-3.0-only
#include "audit/query.h"

#include <QString>
#include <algorithm>

namespace llmproxy {

namespace {

bool hasAction(const AuditEvent &event, std::string_view wanted)
{
    if (wanted.ends_with('*'))
        wanted.remove_suffix(1);
    else if (!wanted.ends_with('.') && !wanted.empty())
        return event.action.name() == wanted;
    return event.action.name().starts_with(wanted);
}

bool hasStatus(const AuditEvent &event, const std::string &wanted)
{
    const auto status = wanted.empty() ? std::nullopt : event.number("status");
    return wanted.empty() || (status && std::to_string(*status) == wanted);
}

} // namespace

bool matchesText(const AuditEvent &event, std::string_view text)
{
    const QString wanted = QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
    const auto contains = [&wanted](std::string_view value) {
        return QString::fromUtf8(value.data(), static_cast<qsizetype>(value.size())).contains(wanted, Qt::CaseInsensitive);
    };
    for (const std::string_view value : {event.action.name(), std::string_view(event.actor), std::string_view(event.result),
                                         std::string_view(event.projectId), std::string_view(event.clientIp)}) {
        if (contains(value))
            return true;
    }
    for (const std::string_view key : {"token_uuid", "model", "provider", "endpoint", "user_agent", "reason"}) {
        if (contains(event.text(key)))
            return true;
    }
    return false;
}

bool matches(const AuditEvent &event, const AuditQuery &query)
{
    const auto same = [](const std::string &wanted, std::string_view value) { return wanted.empty() || wanted == value; };
    const bool inReach = query.fromSeq == 0 || (query.oldestFirst ? event.seq > query.fromSeq : event.seq < query.fromSeq);
    return inReach && hasAction(event, query.action) && same(query.actor, event.actor) && same(query.result, event.result)
           && same(query.projectId, event.projectId) && same(query.requestId, event.requestId) && same(query.clientIp, event.clientIp)
           && hasStatus(event, query.status) && same(query.model, event.text("model"))
           && (query.tokenId.empty() || query.tokenId == event.text("token_uuid") || query.tokenId == event.text("token_id"))
           && event.timestampMs >= query.fromMs && (query.toMs == 0 || event.timestampMs < query.toMs)
           && (query.text.empty() || matchesText(event, query.text));
}

} // namespace llmproxy
