// SPDX-License-Identifier: GPL-3.0-only
// What the jobs on the audit log have in common. An export and a report: first the event that says so, then the bytes. Thread: a job's.
#pragma once

#include "audit/query.h"
#include "manage/call.h"
#include "storage/audit_check.h"

#include <string>

namespace llmproxy {

// Writes the audit.export event and a checkpoint behind it; durable, and in the table with all before it, when this returns.
// The seq up to which things may be handed out; 0: it cannot be written, and the call is answered with that.
int64_t recordHandout(const CallPtr &call, const AuditQuery &filters, const std::string &format);
// What a verification of this installation's log is given; keys outlives its use.
AuditCheckInput auditCheckInput(const ManageContext &context, CheckpointKeys &keys);
// Verifies files and table of this installation; progress counts on from doneBefore.
Result<AuditCheckReport> checkAuditOf(const CallPtr &call, const std::atomic<bool> &cancelled, int64_t doneBefore);
// Starts work(filters, cancelled) as the job, or refuses the call.
void startHandout(const CallPtr &call, std::function<void(const AuditQuery &filters, const std::atomic<bool> &cancelled)> work);

// 409: another job has the place.
Error auditIsBusy();

} // namespace llmproxy
