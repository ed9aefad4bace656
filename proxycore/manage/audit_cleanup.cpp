// SPDX-License-Identifier: GPL-3.0-only
// Retention of the audit table: by command, and by the engine's own clock.
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/audit_handout.h"
#include "manage/resources.h"
#include "storage/database.h"

#include <QJsonDocument>

#include <algorithm>
#include <chrono>
#include <future>

namespace llmproxy {

namespace {

using Removed = Result<Database::OldAudit>;

constexpr auto cancelledPoll = std::chrono::milliseconds(100);

// Says in the chain what is old, signs it, and only then has it removed.
void cleanUp(const ManageContext &context, const Database::OldAudit &old, AuditEvent event, const std::function<void(const Removed &)> &done)
{
    event.detail("rows", old.rows);
    if (old.toSeq > 0)
        event.detail("from_seq", old.fromSeq).detail("to_seq", old.toSeq).detail("to_hash", old.toHash);
    const auto key = context.audit->config().checkpointKey;
    std::vector<AuditLog::Entry> entries;
    if (old.toSeq > 0 && key)
        entries.push_back({key->retention(old.toSeq, old.toHash), nullptr});
    entries.push_back({std::move(event), [database = context.database, old, done](bool ok) {
        if (!ok)
            done(Error{ErrorKind::Unavailable, "service_unavailable", "The audit log cannot be written at the moment; nothing was removed.", {}});
        else if (old.toSeq == 0)
            done(old);
        else
            database->removeAudit(old.toSeq, [old, done](bool removed, int64_t) {
                done(removed ? Removed(old) : Removed(Error{ErrorKind::Unavailable, "service_unavailable", "The storage cannot be used at the moment; the rest is removed by the next cleanup.", {}}));
            });
    }});
    context.audit->recordAll(std::move(entries));
}

// Returns when the rows are removed, so that no verification runs beside the removal. Thread: a job's.
Removed cleanUpWaiting(const ManageContext &context, const Database::OldAudit &old, AuditEvent event, const std::atomic<bool> &cancelled)
{
    const auto removed = std::make_shared<std::promise<Removed>>();
    std::future<Removed> ready = removed->get_future();
    cleanUp(context, old, std::move(event), [removed](const Removed &rows) { removed->set_value(rows); });
    while (ready.wait_for(cancelledPoll) != std::future_status::ready) {
        if (cancelled)
            return Error{ErrorKind::Unavailable, "service_unavailable", "The server is shutting down. The next cleanup removes the remaining rows.", {}};
    }
    return ready.get();
}

// Nobody who only holds a management credential makes the past shorter than the owner of the machine decided at the start.
Outcome refusedPast(const CallPtr &call, int64_t olderThanMs)
{
    const int64_t retentionMs = call->context().settings->auditRetentionMs;
    if (call->request.isLocal || (retentionMs > 0 && olderThanMs >= std::max(retentionMs, dayMs)))
        return {};
    return Error{ErrorKind::Forbidden, "local_only",
                 retentionMs == 0 ? "AUDIT_RETENTION is 0, which keeps all audit events: a management credential cannot remove any. Run llm-proxy audit cleanup on the machine itself."
                                  : "A management credential can remove only events that are older than AUDIT_RETENTION, and at least a day old. Run llm-proxy audit cleanup on the machine itself to remove younger ones.",
                 "older_than"};
}

} // namespace

void cleanUpAudit(const CallPtr &call)
{
    const Settings &settings = *call->context().settings;
    if (!settings.auditEnabled || !settings.auditStoreInDb) {
        refuse(call, {ErrorKind::Conflict, "audit_not_stored", "There are no audit rows: AUDIT_ENABLED or AUDIT_STORE_IN_DB is false.", {}});
        return;
    }
    const QString text = call->input.root().text("older_than");
    const auto olderThan = parseDurationMs(text.toStdString());
    if (!olderThan || *olderThan < 1) {
        refuse(call, invalidField("older_than", "'older_than' must be a duration, like 90d."));
        return;
    }
    if (const Outcome refused = refusedPast(call, *olderThan)) {
        refuse(call, *refused);
        return;
    }
    if (call->request.isLocal)
        call->context().audit->removeOldFromNow(); // somebody has looked at the clock
    else if (call->context().audit->keepsOldForMs() > 0) {
        refuse(call, {ErrorKind::Conflict, "clock_doubtful", "The clock was more than 48 hours ahead of the newest event when the server started; until it is checked on the machine itself, nothing is removed.", {}});
        return;
    }
    const bool started = call->state->jobs.start([call, olderThan](const std::atomic<bool> &cancelled) {
        Removed removed = call->context().database->oldAudit(Clock::wallMs() - *olderThan);
        if (removed)
            removed = cleanUpWaiting(call->context(), *removed, eventOf(*call, "success", 200), cancelled);
        call->state->jobs.afterwards([call, removed] {
            if (!removed)
                refuse(call, removed.error());
            else
                answer(call, 200, {{QStringLiteral("rows"), qint64{removed->rows}}, {QStringLiteral("from_seq"), qint64{removed->fromSeq}},
                                   {QStringLiteral("to_seq"), qint64{removed->toSeq}}});
        });
    }, [call] { breakOff(call); });
    if (!started)
        refuse(call, auditIsBusy());
}

// As often as retentionPeriodMs() says; nothing is written when nothing is old.
void applyRetention(const std::shared_ptr<ManageState> &state)
{
    const Settings &settings = *state->context.settings;
    if (!settings.auditEnabled || !settings.auditStoreInDb || settings.auditRetentionMs == 0)
        return;
    if (state->context.audit->keepsOldForMs() > 0)
        return; // the clock may be wrong
    state->jobs.startOwn([state](const std::atomic<bool> &cancelled) {
        const Removed old = state->context.database->oldAudit(Clock::wallMs() - state->context.settings->auditRetentionMs);
        if (!old || old->toSeq == 0)
            return;
        const Removed removed = cleanUpWaiting(state->context, *old, AuditEvent(Action::AuditCleanup, "system", "success"), cancelled);
        if (!removed && !cancelled)
            logError("old audit rows cannot be removed", {{"error", removed.error().message}});
    });
}

} // namespace llmproxy
