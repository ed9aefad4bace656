// SPDX-License-Identifier: GPL-3.0-only
// The audit log for readers: filters, keyset pages newest first, one event by its seq.
#include "manage/audit_source.h"
#include "manage/page.h"
#include "manage/resources.h"
#include "manage/views.h"

#include <QJsonArray>
#include <limits>

namespace llmproxy {

namespace {

// Nothing is on the asked side of ?around=: the list begins with the event that is next to it on the other side.
Result<std::vector<AuditEvent>> nearestEvent(const CallPtr &call, AuditQuery filters)
{
    filters.fromSeq = 0;
    filters.fromMs = call->query.time("from");
    filters.toMs = call->query.time("to");
    filters.oldestFirst = !filters.oldestFirst;
    filters.limit = 1;
    return auditPage(call->context(), filters);
}

} // namespace

void listAudit(const CallPtr &call)
{
    auto filters = readAuditFilters(call->query);
    if (!filters) {
        refuse(call, filters.error());
        return;
    }
    const int limit = filters->limit;
    ++filters->limit; // one more than asked for says whether there is a next page
    auto events = auditPage(call->context(), *filters);
    if (events && events->empty() && call->query.has("around"))
        events = nearestEvent(call, *filters);
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
    const auto found = auditPage(call->context(), one);
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
