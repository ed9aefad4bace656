// SPDX-License-Identifier: GPL-3.0-only
// A prepared statement through SQLite's own interface, for what runs often or has dozens of numbers, where a QVariant each is
// felt. Owned and used by the connection's thread.
#pragma once

#include "storage/sql_connection.h"

#include <cstdint>
#include <sqlite3.h>
#include <string_view>

namespace llmproxy {

class Statement
{
public:
    // text is a whole literal. False from everything else when it could not be prepared.
    Statement(SqlConnection &connection, const char *text);
    ~Statement() { sqlite3_finalize(m_statement); }
    Statement(const Statement &) = delete;
    Statement &operator=(const Statement &) = delete;

    // From 1. A text must live until it has run.
    void bind(int at, int64_t value) { sqlite3_bind_int64(m_statement, at, value); }
    void bind(int at, std::string_view value);
    // True: there is a row. Begins again after the last one.
    bool next();
    // For a statement without rows.
    bool run();
    // Instead of reading on to the last row.
    void reset() { sqlite3_reset(m_statement); }
    bool hasFailed() const { return m_failed; }
    int64_t integer(int column) const { return sqlite3_column_int64(m_statement, column); }
    std::string_view text(int column) const; // until the next row

private:
    void complain();

    sqlite3 *m_database = nullptr;
    sqlite3_stmt *m_statement = nullptr;
    bool m_failed = false;
};

} // namespace llmproxy
