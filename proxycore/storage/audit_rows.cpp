// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_rows.h"

#include "base/clock.h"
#include "base/log.h"

#include <QVariant>
#include <functional>
#include <limits>
#include <map>

// Macros, because statements are whole literals: nothing is put together at run time.
#define AUDIT_COLUMNS "SELECT seq, timestamp, action, actor, project_id, request_id, client_ip, result, details, prev, hash "
// An empty value is every row's: '' IN ('', x). GLOB '*' is any action.
#define AUDIT_REST \
    "AND seq < ? AND action GLOB ? AND ? IN ('', actor) AND ? IN ('', result) AND ? IN ('', project_id) " \
    "AND ? IN ('', request_id) AND ? IN ('', client_ip) AND ? IN ('', token_uuid, token_id) " \
    "AND timestamp >= ? AND timestamp < ? ORDER BY seq DESC LIMIT ?"

namespace llmproxy {

namespace {

// An empty std::string gives a null QString in no Qt version, but NULL here would match nothing.
QString whole(const std::string &text)
{
    return text.empty() ? QStringLiteral("") : QString::fromStdString(text);
}

// The line is put together again and read by the log's own reader, so that row and line cannot differ.
AuditEvent eventOf(const QSqlQuery &query)
{
    const auto text = [&](int column) { return query.value(column).toString().toStdString(); };
    QString time = query.value(1).toString();
    time.replace(10, 1, QLatin1Char('T'));
    AuditEvent bare;
    bare.timestampMs = parseRfc3339(time + QLatin1Char('Z'));
    bare.seq = query.value(0).toLongLong();
    bare.action = text(2);
    bare.actor = text(3);
    bare.projectId = text(4);
    bare.requestId = text(5);
    bare.clientIp = text(6);
    bare.result = text(7);
    bare.prev = text(9);
    bare.hash = text(10);
    const std::string details = text(8);
    std::string line = auditLine(bare);
    const size_t at = line.find(",\"seq\":"); // inside a text its quotes would be escaped
    if (at == line.npos || details.size() <= 2)
        return bare;
    line.insert(at, ",\"details\":" + details);
    return parseAuditLine(line).value_or(bare);
}

QString actionPattern(const std::string &action)
{
    if (action.empty())
        return QStringLiteral("*");
    const bool prefix = action.ends_with('.') || action.ends_with('*');
    QString pattern;
    for (const QChar c : QString::fromStdString(action.ends_with('*') ? action.substr(0, action.size() - 1) : action)) {
        if (c == QLatin1Char('*') || c == QLatin1Char('?') || c == QLatin1Char('['))
            pattern += QLatin1Char('[') + c + QLatin1Char(']');
        else
            pattern += c;
    }
    return prefix ? pattern + QLatin1Char('*') : pattern;
}

// One statement with the value of its index. Driven by the rarest thing that is asked for; without one, from the newest row down.
struct Drive
{
    QString statement;
    QString value;
};

// The tokens that a masked form belongs to: nearly always one.
Result<std::vector<QString>> tokensOfMasked(SqlConnection &connection, const QString &masked)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("SELECT id FROM tokens WHERE masked = ? UNION SELECT token_uuid FROM audit_events WHERE token_id = ? "
                                 "AND token_id IS NOT NULL AND (action <> 'token.access' OR token_uuid IS NULL) AND token_uuid IS NOT NULL"));
    query.addBindValue(masked);
    query.addBindValue(masked);
    if (!query.exec()) {
        failed(query, "masked token");
        return storageError();
    }
    std::vector<QString> ids;
    while (query.next())
        ids.push_back(query.value(0).toString());
    return ids;
}

Result<std::vector<Drive>> drivesOf(SqlConnection &connection, const AuditQuery &filters)
{
    static const QString byToken = QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE token_uuid = ? " AUDIT_REST);
    if (!filters.requestId.empty())
        return std::vector<Drive>{{QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE request_id IS NOT NULL AND substr(request_id, 1, 13) = ? " AUDIT_REST),
                                   whole(filters.requestId).left(13)}};
    if (!filters.tokenId.empty() && filters.tokenId.find('*') == std::string::npos)
        return std::vector<Drive>{{byToken, whole(filters.tokenId)}};
    if (!filters.tokenId.empty()) {
        const auto tokens = tokensOfMasked(connection, whole(filters.tokenId));
        if (!tokens)
            return tokens.error();
        // Events without a UUID are found by the masked form; what both find is dropped by its seq.
        std::vector<Drive> drives{{QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE token_id IS NOT NULL "
                                                  "AND (action <> 'token.access' OR token_uuid IS NULL) AND token_id = ? " AUDIT_REST),
                                   whole(filters.tokenId)}};
        for (const QString &id : *tokens)
            drives.push_back({byToken, id});
        return drives;
    }
    if (!filters.projectId.empty())
        return std::vector<Drive>{{QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE project_id = ? " AUDIT_REST), whole(filters.projectId)}};
    if (!filters.action.empty() && !filters.action.ends_with('.') && !filters.action.ends_with('*') && filters.action != "token.access")
        return std::vector<Drive>{{QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE action <> 'token.access' AND action = ? " AUDIT_REST), whole(filters.action)}};
    return std::vector<Drive>{{QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE ? = '' " AUDIT_REST), QStringLiteral("")}};
}

} // namespace

AuditInsert::AuditInsert(SqlConnection &connection)
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
    bind(event.action);
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
    sqlite3_reset(m_statement); // a statement left open would keep the transaction's locks
    return done;
}

Result<std::vector<AuditEvent>> readAuditRows(SqlConnection &connection, const AuditQuery &filters)
{
    const auto drives = drivesOf(connection, filters);
    if (!drives)
        return drives.error();
    std::map<int64_t, AuditEvent, std::greater<>> found; // newest first, each once
    for (const Drive &drive : *drives) {
        QSqlQuery query = connection.query();
        query.prepare(drive.statement);
        query.addBindValue(drive.value);
        query.addBindValue(qint64{filters.beforeSeq > 0 ? filters.beforeSeq : std::numeric_limits<int64_t>::max()});
        query.addBindValue(actionPattern(filters.action));
        for (const std::string &value : {filters.actor, filters.result, filters.projectId, filters.requestId,
                                         filters.clientIp, filters.tokenId})
            query.addBindValue(whole(value));
        query.addBindValue(filters.fromMs > 0 ? whole(sqlTimestamp(filters.fromMs)) : QStringLiteral(""));
        query.addBindValue(filters.toMs > 0 ? whole(sqlTimestamp(filters.toMs)) : QStringLiteral("~")); // after all digits
        query.addBindValue(filters.limit);
        if (!query.exec()) {
            failed(query, "audit query");
            return storageError();
        }
        while (query.next()) {
            AuditEvent event = eventOf(query);
            const int64_t seq = event.seq;
            found.emplace(seq, std::move(event));
        }
    }
    std::vector<AuditEvent> events;
    for (auto &[seq, event] : found) {
        if (events.size() < static_cast<size_t>(filters.limit))
            events.push_back(std::move(event));
    }
    return events;
}

int64_t lastAuditRow(SqlConnection &connection, std::string *hash)
{
    QSqlQuery query = connection.query();
    hash->clear();
    if (!query.exec(QStringLiteral("SELECT seq, hash FROM audit_events ORDER BY seq DESC LIMIT 1")) || !query.next())
        return 0;
    *hash = query.value(1).toString().toStdString();
    return query.value(0).toLongLong();
}

bool visitAccessRows(SqlConnection &connection, int64_t afterSeq, const std::function<void(const AuditEvent &)> &visit)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        AUDIT_COLUMNS "FROM audit_events WHERE seq > ? AND action = 'token.access' ORDER BY seq"));
    query.addBindValue(qint64{afterSeq});
    if (!query.exec())
        return failed(query, "access rows");
    while (query.next())
        visit(eventOf(query));
    return true;
}

} // namespace llmproxy
