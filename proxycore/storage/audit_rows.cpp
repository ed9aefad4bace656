// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_rows.h"

#include "base/clock.h"
#include "base/log.h"
#include "storage/lost_rows.h"

#include <QVariant>

namespace llmproxy {

// The line is put together again and read by the log's own reader, so that row and line cannot differ.
AuditEvent eventOfRow(const QSqlQuery &query)
{
    const auto text = [&](int column) { return query.value(column).toString().toStdString(); };
    QString time = query.value(1).toString();
    time.replace(10, 1, QLatin1Char('T'));
    AuditEvent bare;
    bare.timestampMs = parseRfc3339(time + QLatin1Char('Z'));
    bare.seq = query.value(0).toLongLong();
    bare.action = EventAction::named(text(2));
    bare.actor = text(3);
    bare.projectId = text(4);
    bare.requestId = text(5);
    bare.clientIp = text(6);
    bare.result = text(7);
    bare.prev = text(9);
    bare.hash = text(10);
    bare.detailsText = text(8);
    return parseAuditLine(auditLine(bare)).value_or(bare);
}

AuditInsert::AuditInsert(SqlConnection &connection) : m_connection(connection), m_index(connection)
{
    static constexpr char statement[] =
        "INSERT INTO audit_events (seq, timestamp, action, actor, project_id, request_id, client_ip, result, details, "
        "token_uuid, token_id, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO NOTHING";
    if (sqlite3 *database = connection.handle())
        sqlite3_prepare_v3(database, statement, sizeof statement, SQLITE_PREPARE_PERSISTENT, &m_statement, nullptr);
}

AuditInsert::~AuditInsert()
{
    sqlite3_finalize(m_statement);
}

bool AuditInsert::insert(const AuditEvent &event)
{
    const std::string timestamp = sqlTimestamp(event.timestampMs);
    const std::string details = event.detailsText.empty() ? detailsJson(event) : std::string();
    int at = 0;
    // The texts live until the step; an empty one of a column that may be empty is NULL.
    const auto bind = [&](std::string_view text, bool mayBeNull = false) {
        if (mayBeNull && text.empty())
            sqlite3_bind_null(m_statement, ++at);
        else
            sqlite3_bind_text(m_statement, ++at, text.data() ? text.data() : "", static_cast<int>(text.size()), SQLITE_STATIC);
    };
    sqlite3_bind_int64(m_statement, ++at, event.seq);
    bind(timestamp);
    bind(event.action.name());
    bind(event.actor);
    bind(event.projectId, true);
    bind(event.requestId, true);
    bind(event.clientIp, true);
    bind(event.result);
    bind(details.empty() ? event.detailsText : details);
    bind(event.text("token_uuid"), true);
    bind(event.text("token_id"), true);
    bind(event.prev);
    bind(event.hash);
    const bool done = sqlite3_step(m_statement) == SQLITE_DONE;
    if (!done)
        logError("storage_failed", {{"what", "audit row"}, {"error", sqlite3_errmsg(sqlite3_db_handle(m_statement))}});
    const bool isNew = done && sqlite3_changes(sqlite3_db_handle(m_statement)) > 0;
    sqlite3_reset(m_statement); // a statement left open would keep the transaction's locks
    return done && (!isNew || (m_index.add(event) && forgetDeclared(m_connection, event)));
}

bool visitAccessRows(SqlConnection &connection, int64_t afterSeq, const std::function<void(const AuditEvent &)> &visit)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        AUDIT_COLUMNS "FROM audit_events WHERE seq > ? AND action = ? ORDER BY seq"));
    query.addBindValue(qint64{afterSeq});
    query.addBindValue(QLatin1String(nameOf(Action::TokenAccess).data()));
    if (!query.exec())
        return failed(query, "access rows");
    while (query.next())
        visit(eventOfRow(query));
    return ended(query, "access rows");
}

} // namespace llmproxy
