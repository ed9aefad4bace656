// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_lines.h"

#include "base/json_text.h"
#include "base/log.h"

namespace llmproxy {

AuditLines::AuditLines(SqlConnection &connection, int64_t fromSeq)
{
    static constexpr char text[] =
        "SELECT seq, timestamp, action, actor, project_id, request_id, client_ip, result, details, prev, hash FROM audit_events WHERE seq >= ? ORDER BY seq";
    sqlite3 *const database = connection.handle();
    sqlite3_stmt *raw = nullptr;
    m_failed = !database || sqlite3_prepare_v2(database, text, sizeof text, &raw, nullptr) != SQLITE_OK;
    m_statement.reset(raw);
    if (!m_failed)
        sqlite3_bind_int64(raw, 1, fromSeq);
    else
        logError("storage_failed", {{"what", "audit lines"}, {"error", database ? sqlite3_errmsg(database) : "no SQLite driver"}});
}

bool AuditLines::next()
{
    if (m_failed)
        return false;
    sqlite3_stmt *const row = m_statement.get();
    const int result = sqlite3_step(row);
    if (result != SQLITE_ROW) {
        m_failed = result != SQLITE_DONE;
        if (m_failed)
            logError("storage_failed", {{"what", "audit lines"}, {"error", sqlite3_errmsg(sqlite3_db_handle(row))}});
        return false;
    }
    const auto column = [row](int at) {
        const auto *const bytes = static_cast<const char *>(sqlite3_column_blob(row, at));
        return std::string_view(bytes ? bytes : "", bytes ? static_cast<size_t>(sqlite3_column_bytes(row, at)) : 0);
    };
    m_line = "{";
    const auto add = [this](std::string_view key, std::string_view value) {
        if (value.empty())
            return;
        m_line.append(m_line.size() > 1 ? ",\"" : "\"").append(key).append("\":");
        appendJsonString(m_line, value);
    };
    m_seq = sqlite3_column_int64(row, 0);
    std::string timestamp(column(1));
    if (timestamp.size() > 10)
        timestamp[10] = 'T';
    add("timestamp", timestamp + 'Z');
    static constexpr std::string_view keys[] = {"action", "actor", "project_id", "request_id", "client_ip", "result"};
    for (int at = 0; at < 6; ++at)
        add(keys[at], column(2 + at));
    if (const std::string_view details = column(8); details.size() > 2) // {}
        m_line.append(",\"details\":").append(details);
    m_line.append(",\"seq\":").append(std::to_string(m_seq));
    add("prev", column(9));
    add("hash", column(10));
    m_line += '}';
    return true;
}

} // namespace llmproxy
