// SPDX-License-Identifier: GPL-3.0-only
// The audit log for readers: filters, keyset pages newest first, one event by its seq.
#include "manage/audit_source.h"
#include "manage/page.h"
#include "manage/resources.h"
#include "manage/views.h"

#include <QJsonArray>
#include <limits>

namespace llmproxy {

void listAudit(const CallPtr &call)
{
    auto filters = readAuditFilters(call->query);
    if (!filters) {
        refuse(call, filters.error());
        return;
    }
    const int limit = filters->limit;
    ++filters->limit; // one more than asked for says whether there is a next page
    const auto events = auditPage(call->context(), *filters);
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
