// SPDX-License-Identifier: GPL-3.0-only
// The audit log held against itself: the files, the table, and both against each other.
#include "base/clock.h"
#include "config/settings.h"
#include "manage/audit_handout.h"
#include "manage/resources.h"
#include "manage/views.h"
#include "storage/audit_check.h"
#include "storage/database.h"

#include <QJsonArray>
#include <QJsonDocument>

namespace llmproxy {

namespace {

QString text(const std::string &value)
{
    return QString::fromStdString(value);
}

QJsonValue partView(const std::optional<VerifyReport> &part)
{
    if (!part)
        return {};
    QJsonArray problems;
    for (const VerifyProblem &problem : part->problems)
        problems.append(QJsonObject{{QStringLiteral("seq"), qint64{problem.seq}}, {QStringLiteral("kind"), text(problem.kind)},
                                    {QStringLiteral("message"), text(problem.message)}});
    return QJsonObject{{QStringLiteral("events"), qint64{part->events}},
                       {QStringLiteral("first_seq"), qint64{part->firstSeq}},
                       {QStringLiteral("last_seq"), qint64{part->lastSeq}},
                       {QStringLiteral("last_hash"), text(part->lastHash)},
                       {QStringLiteral("checkpoints"), qint64{part->checkpoints}},
                       {QStringLiteral("signed_to_seq"), qint64{part->signedToSeq}},
                       {QStringLiteral("problem_count"), qint64{part->problemCount}},
                       {QStringLiteral("problems"), problems}};
}

void finish(const CallPtr &call, const Result<AuditCheckReport> &report, int64_t durationMs)
{
    if (!report) {
        refuse(call, report.error());
        return;
    }
    if (report->cancelled) {
        refuse(call, {ErrorKind::Unavailable, "service_unavailable", "The server is shutting down. Verify again when it has restarted.", {}});
        return;
    }
    noteVerified(call->state, *report);
    AuditEvent event = eventOf(*call, report->isGood() ? "success" : "failure", 200);
    if (!report->isGood() && !call->context().settings->auditStoreInDb)
        call->context().audit->setFinding(std::string(badVerification)); // with a table its event is found
    const VerifyReport &part = report->file ? *report->file : *report->table;
    event.detail("to_seq", part.lastSeq);
    event.detail("to_hash", part.lastHash);
    if (const VerifyProblem *problem = report->first()) {
        event.detail("reason", problem->kind);
        event.detail("first_bad_seq", problem->seq);
    }
    ManageAnswer answer;
    answer.body = QJsonDocument(auditCheckView(*report, durationMs)).toJson(QJsonDocument::Compact);
    answerAudited(call, std::move(event), std::move(answer));
}

} // namespace

QJsonObject auditCheckView(const AuditCheckReport &report, int64_t durationMs)
{
    const VerifyProblem *const first = report.first();
    return {{QStringLiteral("valid"), report.isGood()},
            {QStringLiteral("first_bad_seq"), first ? QJsonValue(qint64{first->seq}) : QJsonValue()},
            {QStringLiteral("problem"), first ? QJsonValue(text(first->message)) : QJsonValue()},
            {QStringLiteral("file"), partView(report.file)},
            {QStringLiteral("table"), partView(report.table)},
            {QStringLiteral("table_to_seq"), report.rowsTo ? QJsonValue(qint64{*report.rowsTo}) : QJsonValue()},
            {QStringLiteral("duration_ms"), qint64{durationMs}}};
}

AuditCheckInput auditCheckInput(const ManageContext &context, CheckpointKeys &keys)
{
    const Settings &settings = *context.settings;
    for (const std::string &pem : context.database->auditPublicKeys())
        keys.add(pem);
    AuditCheckInput input;
    input.file = settings.auditLogFile;
    input.place = context.database->logPlace(settings.auditLogFile);
    input.database = settings.auditStoreInDb ? context.database->path() : std::string();
    for (const OutsideTarget &anchor : settings.auditAnchors) {
        if (anchor.kind == OutsideTarget::Kind::File)
            input.anchors.push_back(anchor.path());
    }
    input.keys = &keys;
    input.ring = context.keys;
    return input;
}

Result<AuditCheckReport> checkAuditOf(const CallPtr &call, const std::atomic<bool> &cancelled, int64_t doneBefore)
{
    CheckpointKeys keys;
    AuditCheckInput input = auditCheckInput(call->context(), keys);
    input.cancelled = &cancelled;
    input.progress = [call, doneBefore](int64_t done, int64_t total) {
        call->state->jobs.done = doneBefore + done;
        call->state->jobs.total = doneBefore + total;
    };
    auto report = checkAudit(input);
    // What the command's own start has repaired is what it was asked about.
    if (report && report->file && call->context().isCommand) {
        for (const VerifyProblem &problem : call->context().audit->foundAtStart())
            report->file->add(problem.seq, problem.kind, problem.message, problem.toSeq);
    }
    return report;
}

void verifyAudit(const CallPtr &call)
{
    const Settings &settings = *call->context().settings;
    if (!settings.auditEnabled) {
        refuse(call, {ErrorKind::Conflict, "audit_not_stored", "There is no audit log to verify: AUDIT_ENABLED is false.", {}});
        return;
    }
    const bool started = call->state->jobs.start([call](const std::atomic<bool> &cancelled) {
        const int64_t beganUs = Clock::steadyUs();
        const auto report = checkAuditOf(call, cancelled, 0);
        const int64_t tookMs = (Clock::steadyUs() - beganUs) / 1000;
        call->state->jobs.afterwards([call, report, tookMs] { finish(call, report, tookMs); });
    }, [call] { breakOff(call); });
    if (!started)
        refuse(call, auditIsBusy());
}

// How far the running verification is; for a progress bar.
void readVerifyProgress(const CallPtr &call)
{
    const Jobs &jobs = call->state->jobs;
    answer(call, 200, {{QStringLiteral("running"), jobs.isRunning()}, {QStringLiteral("events_done"), qint64{jobs.done}},
                       {QStringLiteral("events_total"), qint64{jobs.total}}});
}

void readAuditPublicKey(const CallPtr &call)
{
    QJsonArray keys;
    for (const std::string &pem : call->context().database->auditPublicKeys())
        keys.append(text(pem));
    answer(call, 200, {{QStringLiteral("algorithm"), QStringLiteral("Ed25519")}, {QStringLiteral("public_keys"), keys}});
}

} // namespace llmproxy
