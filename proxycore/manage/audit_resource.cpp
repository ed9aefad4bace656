// SPDX-License-Identifier: GPL-3.0-only
// The audit log for readers: filters, keyset pages newest first, one event by its seq.
#include "audit/file_reader.h"
#include "config/settings.h"
#include "manage/page.h"
#include "manage/resources.h"
#include "manage/views.h"
#include "storage/database.h"

#include <QJsonArray>
#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>

namespace llmproxy {

namespace {

// AUDIT_STORE_IN_DB=false: the file is all there is. Lines are only parsed when they hold what is asked for.
Result<std::vector<AuditEvent>> eventsOfFile(const std::string &path, const AuditQuery &filters)
{
    std::deque<AuditEvent> events;
    const auto limit = static_cast<size_t>(filters.limit);
    const bool read = visitLinesBackwards(path, [&](std::string_view line) {
        for (const std::string *text : {&filters.requestId, &filters.tokenId, &filters.projectId, &filters.clientIp}) {
            if (!text->empty() && line.find(*text) == std::string_view::npos)
                return true;
        }
        const auto event = parseAuditLine(line);
        if (event && matches(*event, filters))
            events.push_back(*event);
        if (!filters.oldestFirst)
            return events.size() < limit;
        if (events.size() > limit) // the oldest are at the end of the way
            events.pop_front();
        return true;
    });
    if (!read)
        return Error{ErrorKind::Unavailable, "service_unavailable", "The audit log's file cannot be read at the moment; try again.", {}};
    if (filters.oldestFirst)
        std::reverse(events.begin(), events.end());
    return std::vector<AuditEvent>(std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
}

Result<std::vector<AuditEvent>> eventsOf(const CallPtr &call, const AuditQuery &filters)
{
    const Settings &settings = *call->context().settings;
    if (settings.auditEnabled && settings.auditStoreInDb)
        return call->context().database->auditEvents(filters);
    if (settings.auditEnabled && !settings.auditLogFile.empty())
        return eventsOfFile(settings.auditLogFile, filters);
    return Error{ErrorKind::Conflict, "audit_not_stored", "There is no audit log to read: AUDIT_ENABLED is false.", {}};
}

Result<AuditQuery> readFilters(const QueryInput &query)
{
    AuditQuery filters;
    filters.limit = static_cast<int>(query.integer("limit", 50));
    filters.action = query.text("action").toStdString();
    filters.actor = query.text("actor").toStdString();
    filters.result = query.text("result").toStdString();
    filters.projectId = query.text("project_id").toStdString();
    filters.requestId = query.text("request_id").toStdString();
    filters.clientIp = query.text("client_ip").toStdString();
    filters.tokenId = query.text("token_id").toStdString();
    filters.status = query.has("status") ? std::to_string(query.integer("status", 0)) : std::string();
    filters.model = query.text("model").toStdString();
    filters.text = query.text("q").toStdString();
    filters.oldestFirst = query.text("sort") == QLatin1String("created_at");
    filters.fromMs = query.time("from");
    filters.toMs = query.time("to");
    if (!query.has("cursor"))
        return filters;
    const auto parts = decodeCursor(query.text("cursor"), 2);
    if (!parts)
        return parts.error();
    filters.fromSeq = parts->at(1).toLongLong();
    if (parts->at(0) != QLatin1String("seq") || filters.fromSeq < 1)
        return invalidField("cursor", "'cursor' is not one that this server gave; start without it.");
    return filters;
}

} // namespace

void listAudit(const CallPtr &call)
{
    auto filters = readFilters(call->query);
    if (!filters) {
        refuse(call, filters.error());
        return;
    }
    const int limit = filters->limit;
    ++filters->limit; // one more than asked for says whether there is a next page
    const auto events = eventsOf(call, *filters);
    if (!events) {
        refuse(call, events.error());
        return;
    }
    QJsonArray items;
    for (const AuditEvent &event : *events) {
        if (items.size() < limit)
            items.append(auditEventView(event));
    }
    QJsonValue next;
    if (events->size() > static_cast<size_t>(limit)) {
        const AuditEvent &last = events->at(static_cast<size_t>(limit) - 1);
        next = encodeCursor({QStringLiteral("seq"), QString::number(qint64{last.seq})});
    }
    noteRead(call);
    answer(call, 200, {{QStringLiteral("items"), items}, {QStringLiteral("next_cursor"), next}});
}

void readAudit(const CallPtr &call)
{
    bool isNumber = false;
    const int64_t seq = QString::fromStdString(call->id).toLongLong(&isNumber);
    AuditQuery one;
    one.fromSeq = isNumber && seq > 0 && seq < std::numeric_limits<int64_t>::max() ? seq + 1 : 1;
    one.limit = 1;
    const auto found = eventsOf(call, one);
    if (!found) {
        refuse(call, found.error());
        return;
    }
    if (found->empty() || found->front().seq != seq) {
        refuse(call, {ErrorKind::NotFound, "not_found", "There is no audit event of this id.", {}});
        return;
    }
    noteRead(call);
    answer(call, 200, auditEventView(found->front()));
}

} // namespace llmproxy
