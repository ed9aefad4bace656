// SPDX-License-Identifier: GPL-3.0-only
// Pages of the audit table, by any combination of filters. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "audit/query.h"
#include "storage/sql_connection.h"

#include <vector>

namespace llmproxy {

Result<std::vector<AuditEvent>> searchAudit(SqlConnection &connection, const AuditQuery &filters);

} // namespace llmproxy
