// SPDX-License-Identifier: GPL-3.0-only
// How far the audit table goes, and what else the database knows of the log when it starts. Used on the connection's thread.
#pragma once

#include "audit/audit_log.h"
#include "storage/sql_connection.h"

#include <cstdint>
#include <string>

namespace llmproxy {

// How far the table goes, and where that is written down; committed together with the rows.
struct RowsTo
{
    int64_t seq = 0;
    std::string hash;
};
// Of an older database what its newest row says. False: it cannot be read.
bool readRowsTo(SqlConnection &connection, RowsTo *rowsTo);
bool writeRowsTo(SqlConnection &connection, const RowsTo &rowsTo);

// file: the log's; empty: it has none. False: a part of it cannot be read, and nothing of it holds.
bool readTableStart(SqlConnection &connection, const std::string &file, TableStart *start);
// What was noted last of a log's file; nothing: it never was. False: it cannot be read.
bool readLogPlace(SqlConnection &connection, const std::string &file, std::optional<LogPlace> *place);

// What is left of the time for which old rows and files are kept because the clock is in doubt, ms.
inline constexpr const char *keepsOldName = "keeps_old_ms";
// Behind which event nothing was made yet of what the log says, because an older copy of the database was put back; 0: none was.
inline constexpr const char *restoredName = "restored_from";
// A value of the table meta; empty: it has none. False: it cannot be read.
bool readMeta(SqlConnection &connection, const char *name, std::string *value);
bool writeMeta(SqlConnection &connection, const char *name, const std::string &value);

} // namespace llmproxy
