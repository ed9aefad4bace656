// SPDX-License-Identifier: GPL-3.0-only
// The audit log for readers: filters, keyset pages newest first, one event by its seq.
#include "config/settings.h"
#include "manage/page.h"
#include "manage/resources.h"
#include "manage/views.h"
#include "storage/database.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

Error notInTable()
{
    return {ErrorKind::Conflict, "audit_not_stored",
            "Audit events are not kept in the table (AUDIT_ENABLED, AUDIT_STORE_IN_DB); read the audit file.", {}};
}

bool isStored(const CallPtr &call)
{
    return call->context().settings->auditEnabled && call->context().settings->auditStoreInDb;
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
    filters.fromMs = query.time("from");
    filters.toMs = query.time("to");
    if (!query.has("cursor"))
        return filters;
    const auto parts = decodeCursor(query.text("cursor"), 2);
    if (!parts)
        return parts.error();
    filters.beforeSeq = parts->at(1).toLongLong();
    if (parts->at(0) != QLatin1String("seq") || filters.beforeSeq < 1)
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
    if (!isStored(call)) {
        refuse(call, notInTable());
        return;
    }
    const int limit = filters->limit;
    ++filters->limit; // one more than asked for says whether there is a next page
    const auto events = call->context().database->auditEvents(*filters);
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
    if (!isStored(call)) {
        refuse(call, notInTable());
        return;
    }
    Result<std::optional<AuditEvent>> event = std::optional<AuditEvent>();
    if (isNumber && seq > 0)
        event = call->context().database->auditEvent(seq);
    if (!event) {
        refuse(call, event.error());
        return;
    }
    if (!event->has_value()) {
        refuse(call, {ErrorKind::NotFound, "not_found", "There is no audit event of this id.", {}});
        return;
    }
    noteRead(call);
    answer(call, 200, auditEventView(**event));
}

} // namespace llmproxy
