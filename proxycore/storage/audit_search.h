// SPDX-License-Identifier: GPL-3.0-only
// Pages of the audit table, by any combination of filters. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "audit/query.h"
#include "storage/sql_connection.h"

#include <string>
#include <vector>

namespace llmproxy {

struct AuditFacet
{
    std::string kind, value; // kind: the log's key
    int64_t events = 0;
};
// Of each kind the twenty values with the most events, most first. By days in UTC: those at the ends of the time count whole.
// 0: no bound.
Result<std::vector<AuditFacet>> auditFacets(SqlConnection &connection, int64_t fromMs, int64_t toMs);

Result<std::vector<AuditEvent>> searchAudit(SqlConnection &connection, const AuditQuery &filters);

} // namespace llmproxy
