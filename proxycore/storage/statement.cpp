// SPDX-License-Identifier: GPL-3.0-only
#include "storage/statement.h"

#include "base/log.h"

namespace llmproxy {

Statement::Statement(SqlConnection &connection, const char *text) : m_database(connection.handle())
{
    if (!m_database || sqlite3_prepare_v2(m_database, text, -1, &m_statement, nullptr) != SQLITE_OK)
        complain();
}

void Statement::complain()
{
    m_failed = true;
    logError("storage_failed", {{"what", "statement"}, {"error", m_database ? sqlite3_errmsg(m_database) : "no SQLite driver"}});
}

void Statement::bind(int at, std::string_view value)
{
    sqlite3_bind_text(m_statement, at, value.data() ? value.data() : "", static_cast<int>(value.size()), SQLITE_STATIC);
}

bool Statement::next()
{
    if (!m_statement)
        return false;
    const int result = sqlite3_step(m_statement);
    if (result == SQLITE_ROW)
        return true;
    if (result != SQLITE_DONE)
        complain();
    reset(); // left open it would keep the transaction's locks
    return false;
}

bool Statement::run()
{
    return !next() && !m_failed;
}

std::string_view Statement::text(int column) const
{
    const void *const bytes = sqlite3_column_blob(m_statement, column); // as stored: the database is UTF-8
    return {static_cast<const char *>(bytes), bytes ? static_cast<size_t>(sqlite3_column_bytes(m_statement, column)) : 0};
}

} // namespace llmproxy
