// SPDX-License-Identifier: GPL-3.0-only
// Audit events as rows. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "storage/sql_connection.h"
#include "storage/database.h"

#include <functional>
#include <sqlite3.h>
#include <vector>

namespace llmproxy {

// Inserts events with one prepared statement; a seq that is there already stays as it is (replay). Through SQLite's own
// interface: twelve QVariants and QStrings made a row cost as much as the request that it tells of.
class AuditInsert
{
public:
    explicit AuditInsert(SqlConnection &connection);
    ~AuditInsert();
    AuditInsert(const AuditInsert &) = delete;
    AuditInsert &operator=(const AuditInsert &) = delete;
    bool isReady() const { return m_statement != nullptr; }
    bool insert(const AuditEvent &event);

private:
    sqlite3_stmt *m_statement = nullptr;
};

Result<std::vector<AuditEvent>> readAuditRows(SqlConnection &connection, const AuditQuery &filters);
int64_t lastAuditRow(SqlConnection &connection, std::string *hash);
// The token.access events after a seq, oldest first.
bool visitAccessRows(SqlConnection &connection, int64_t afterSeq, const std::function<void(const AuditEvent &)> &visit);

} // namespace llmproxy
