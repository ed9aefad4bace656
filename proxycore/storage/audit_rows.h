// SPDX-License-Identifier: GPL-3.0-only
// Audit events as rows. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "storage/connection.h"
#include "storage/database.h"

#include <functional>
#include <vector>

namespace llmproxy {

// Inserts events with one prepared statement; a seq that is there already stays as it is (replay).
class AuditInsert
{
public:
    explicit AuditInsert(Connection &connection);
    bool insert(const AuditEvent &event);

private:
    QSqlQuery m_query;
};

Result<std::vector<AuditEvent>> readAuditRows(Connection &connection, const AuditQuery &filters);
Result<std::optional<AuditEvent>> readAuditRow(Connection &connection, int64_t seq);
int64_t lastAuditRow(Connection &connection, std::string *hash);
// The token.access events after a seq, oldest first.
bool visitAccessRows(Connection &connection, int64_t afterSeq, const std::function<void(const AuditEvent &)> &visit);

} // namespace llmproxy
