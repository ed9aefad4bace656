// SPDX-License-Identifier: GPL-3.0-only
// Audit events as rows. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "storage/audit_index.h"
#include "storage/sql_connection.h"

#include <functional>
#include <sqlite3.h>
#include <vector>

// A macro, because statements are whole literals: nothing is put together at run time.
#define AUDIT_COLUMNS "SELECT seq, timestamp, action, actor, project_id, request_id, client_ip, result, details, prev, hash "

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
    bool isReady() const { return m_statement != nullptr && m_index.isReady(); }
    bool insert(const AuditEvent &event);
    // Before the commit of what was inserted, and after a rollback instead.
    bool finish() { return m_index.flush(); }
    void abandon() { m_index.forget(); }

private:
    SqlConnection &m_connection;
    AuditIndex m_index;
    sqlite3_stmt *m_statement = nullptr;
};

// The event of a row of AUDIT_COLUMNS.
AuditEvent eventOfRow(const QSqlQuery &query);
// The token.access events after a seq, oldest first. False: they cannot be read to the end.
bool visitAccessRows(SqlConnection &connection, int64_t afterSeq, const std::function<void(const AuditEvent &)> &visit);

} // namespace llmproxy
