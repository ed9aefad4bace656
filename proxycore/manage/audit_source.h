// SPDX-License-Identifier: GPL-3.0-only
// The audit log as readers get it, whether the table holds it or the files alone. Thread: any but the engine threads.
#pragma once

#include "audit/query.h"
#include "manage/call.h"

#include <functional>
#include <string_view>
#include <vector>

namespace llmproxy {

// The filters of a list or an export; those that the route does not declare are absent.
Result<AuditQuery> readAuditFilters(const QueryInput &query);

// At most query.limit events.
Result<std::vector<AuditEvent>> auditPage(const ManageContext &context, const AuditQuery &query);

// Every event of the query up to a seq, oldest first, with its exact line, until visit says false. Limit, order and fromSeq of
// the query are not looked at.
Outcome visitAudit(const ManageContext &context, AuditQuery query, int64_t toSeq,
                   const std::function<bool(const AuditEvent &event, std::string_view line)> &visit);

} // namespace llmproxy
