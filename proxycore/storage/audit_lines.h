// SPDX-License-Identifier: GPL-3.0-only
// The audit table as lines of the log, oldest first: the exact bytes that the file has. Thread: one per object.
#pragma once

#include "storage/sql_connection.h"

#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>

namespace llmproxy {

class AuditLines
{
public:
    // From this seq on.
    AuditLines(SqlConnection &connection, int64_t fromSeq);
    // False: at the end, or hasFailed().
    bool next();
    bool hasFailed() const { return m_failed; }
    int64_t seq() const { return m_seq; }
    const std::string &line() const { return m_line; } // without the newline

private:
    std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> m_statement{nullptr, sqlite3_finalize};
    bool m_failed = false;
    int64_t m_seq = 0;
    std::string m_line;
};

} // namespace llmproxy
