// SPDX-License-Identifier: GPL-3.0-only
// Doctor's checks of the audit log: whether it is written, whole, anchored, kept and looked at.
#include "base/clock.h"
#include "config/settings.h"
#include "manage/audit_source.h"
#include "manage/chain_watch.h"
#include "manage/doctor_checks.h"
#include "manage/resources.h"
#include "storage/database.h"

#include <algorithm>
#include <sys/stat.h>

namespace llmproxy {

DoctorItem checkAudit(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    const char *title = "Audit log";
    if (!settings.auditEnabled)
        return item("audit", title, DoctorState::Fail, "Auditing is off.", "Set AUDIT_ENABLED=true.");
    if (const std::string trouble = context.audit->fileTrouble(); !trouble.empty())
        return item("audit", title, DoctorState::Fail, trouble, "Put the file back, or move what stands in its place away; then review the log.");
    if (!context.audit->healthy() && context.audit->takesRequests() && settings.auditRefuseOnError)
        return item("audit", title, DoctorState::Fail, "The audit log's file cannot be written. Requests go on, recorded in the table alone; changes are refused.",
                    "Look at the application log; free space on the disk of " + settings.auditLogFile + ".");
    if (!context.audit->healthy())
        return item("audit", title, DoctorState::Fail, "Events cannot be written.",
                    "Look at the application log; free space on the disk.");
    if (const std::string finding = unreviewedFinding(context); !finding.empty())
        return item("audit", title, DoctorState::Fail, finding, "Find out who did that, and record that you looked: llm-proxy audit review --note \"…\".");
    const TableState table = context.database->tableState();
    if (settings.auditStoreInDb && !table.obstacle.empty())
        return item("audit", title, DoctorState::Fail, "The table has events up to " + std::to_string(table.rowsTo) + ", and the next ones are in a file of the log: " + table.obstacle,
                    "Put the file right, and the table goes on within ten seconds. Or go on without what it holds: llm-proxy audit review --note \"…\".");
    if (settings.auditStoreInDb && table.isBehind)
        return item("audit", title, DoctorState::Warn,
                    (table.isLocked ? "Another process locks the database: the table" : "The table") + std::string(" has events up to ") + std::to_string(table.rowsTo)
                        + ", the log up to " + std::to_string(context.audit->lastSeq()) + ".",
                    table.isLocked ? "Close the program that has the database open." : "Wait until it has caught up; if it does not, look at the application log.");
    if (settings.auditFsync == "never")
        return item("audit", title, DoctorState::Fail, "AUDIT_FSYNC=never: a power cut loses events.",
                    "Set AUDIT_FSYNC=management.");
    if (!settings.auditRefuseOnError)
        return item("audit", title, DoctorState::Warn, "AUDIT_ON_ERROR=log: calls go on when events cannot be written.",
                    "Set AUDIT_ON_ERROR=refuse.");
    return item("audit", title, "On and writable; last event " + std::to_string(context.audit->lastSeq()) + ".");
}

DoctorItem checkAuditChain(const ManageContext &context)
{
    const char *title = "Audit log chain";
    if (!context.settings->auditEnabled)
        return item("audit_chain", title, "There is no audit log to verify: auditing is off.");
    const auto mark = context.chain->last();
    if (!mark)
        return item("audit_chain", title, DoctorState::Warn, "The audit log has not been verified since the server started.", "Wait for the verification to finish, or run: llm-proxy audit verify.");
    const std::string whole = mark->wholeMs > 0 ? "; all of it was last verified at " + rfc3339(mark->wholeMs) + "." : "; llm-proxy audit verify verifies all of it.";
    const std::string evidence = "Verified up to event " + std::to_string(mark->seq) + " at " + rfc3339(mark->verifiedMs) + whole;
    if (mark->problem.empty())
        return item("audit_chain", title, evidence);
    const std::string problem = "Found at " + rfc3339(mark->problemMs) + ": " + mark->problem;
    if (lastAuditReviewMs(context) >= mark->problemMs)
        return item("audit_chain", title, evidence + " " + problem + " That was reviewed.");
    return item("audit_chain", title, DoctorState::Fail, problem, "Run llm-proxy audit verify to list all problems. Find out who changed the log, then record the review: llm-proxy audit review --note \"…\".");
}

DoctorItem checkAuditAnchors(const ManageContext &context)
{
    const char *title = "Checkpoints outside this machine";
    if (context.settings->auditAnchors.empty())
        return item("audit_anchors", title, DoctorState::Warn, "AUDIT_ANCHORS is not set: whoever can write file and table could cut both at a checkpoint.",
                    "Send checkpoints to another place: set AUDIT_ANCHORS to syslog, a file on another disk or a webhook.");
    std::string evidence, problems;
    for (const DeliveryStatus &one : context.anchorStatus()) {
        evidence += one.target + ": " + std::to_string(one.delivered) + " delivered, " + std::to_string(one.waiting) + " waiting. ";
        if (!one.problem.empty())
            problems += one.target + " is not reached: " + one.problem + ". ";
    }
    struct stat log{}, anchor{};
    for (const OutsideTarget &target : context.settings->auditAnchors) {
        if (target.kind == OutsideTarget::Kind::File && !context.settings->auditLogFile.empty() && stat(context.settings->auditLogFile.c_str(), &log) == 0
            && stat(target.path().c_str(), &anchor) == 0 && log.st_dev == anchor.st_dev)
            problems += target.shown + " is on the same file system as the log. ";
    }
    if (!problems.empty())
        return item("audit_anchors", title, DoctorState::Warn, problems + evidence, "Fix the target, or set another one in AUDIT_ANCHORS.");
    return item("audit_anchors", title, evidence);
}

DoctorItem checkAuditRetention(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    const char *title = "How long audit events are kept";
    constexpr int64_t leastMs = 90 * dayMs;
    const auto isShort = [](int64_t ms) { return ms > 0 && ms < leastMs; };
    if (const int64_t forMs = context.audit->keepsOldForMs(); forMs > 0)
        return item("audit_retention", title, DoctorState::Warn,
                    "The clock was more than 48 hours ahead of the newest event at the start; nothing is removed for another " + std::to_string(forMs / hourMs + 1) + " hours.",
                    "Check the clock. If it is right: llm-proxy audit cleanup --older-than 90d.");
    if (isShort(settings.auditRetentionMs) || isShort(settings.auditFileRetentionMs))
        return item("audit_retention", title, DoctorState::Warn, "Less than 90 days, which is the least that rules of compliance ask for.",
                    "Set AUDIT_RETENTION and AUDIT_FILE_RETENTION to 90d or more; a year is better.");
    return item("audit_retention", title, "90 days or longer.");
}

DoctorItem checkAuditReview(const ManageContext &context)
{
    const char *title = "Last look at the audit log";
    if (!context.settings->auditEnabled)
        return item("audit_review", title, "There is no audit log to review: auditing is off.");
    const int64_t reviewedMs = lastAuditReviewMs(context);
    AuditQuery first;
    first.oldestFirst = true;
    first.limit = 1;
    const auto events = auditPage(context, first);
    const int64_t sinceMs = reviewedMs > 0 ? reviewedMs : events && !events->empty() ? events->front().timestampMs : Clock::wallMs();
    const int64_t days = (Clock::wallMs() - sinceMs) / dayMs;
    const std::string last = reviewedMs > 0 ? "Last review: " + rfc3339(reviewedMs) + "." : std::string("Nobody has reviewed it yet.");
    if (days > 30)
        return item("audit_review", title, DoctorState::Warn, last + " That is " + std::to_string(days) + " days of events.",
                    "Look through it and record that: llm-proxy audit review --note \"…\".");
    return item("audit_review", title, last);
}

} // namespace llmproxy
