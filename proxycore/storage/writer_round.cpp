// SPDX-License-Identifier: GPL-3.0-only
// What one transaction of the storage thread does.
#include "storage/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"

#include <algorithm>
#include <limits>

namespace llmproxy {

namespace {

// Whoever locks the database holds up all that waits for this thread.
constexpr int lockWaitMs = 1'000;
constexpr auto retryLength = std::chrono::seconds(1);

Error conflict()
{
    return {ErrorKind::Conflict, "conflict", "The change does not fit to what is stored; nothing was changed.", {}};
}

Error tableBehind(const std::string &obstacle)
{
    return {ErrorKind::Unavailable, "service_unavailable", "The audit table is behind the audit log's file, and no rights are given before it has caught up; nothing was changed. "
            + (obstacle.empty() ? std::string("Try again.") : obstacle + " Make it readable, or run llm-proxy audit review to go on without it."), {}};
}

} // namespace

bool Writer::open()
{
    auto opened = SqlConnection::open(m_parts.path, SqlConnection::Use::Write);
    if (!opened)
        return false;
    m_connection = std::move(*opened);
    m_connection->setLockWait(lockWaitMs);
    m_auditInsert = std::make_unique<AuditInsert>(*m_connection);
    if (m_auditInsert->isReady())
        return true;
    m_auditInsert.reset();
    m_connection.reset(); // the next round tries again
    return false;
}

bool Writer::begin()
{
    const bool begun = m_connection->begin();
    m_locked = !begun && m_connection->isLocked();
    return begun;
}

bool Writer::writeRound(const std::vector<Submit> &submits, Round &round, bool tick, bool usageDue)
{
    if (!begin()) {
        dropBatch();
        return false;
    }
    RowsTo rowsTo = m_rowsTo;
    bool appended = false;
    bool good = (!tick || saveCounters(false)) && (!usageDue || m_parts.usage->write(*m_connection)) && decideAll(submits, round);
    if (good && m_audits && !round.events.empty()) {
        const AuditLog::Appended result = m_parts.audit->appendNow(round.events);
        round.auditRefused = result != AuditLog::Appended::Yes;
        round.isOnRecord = result == AuditLog::Appended::TakenBack;
        appended = good = !round.auditRefused;
        takeRows(); // these events' own, and those with a lower seq
    }
    good = good && carryAll(round) && writeRows(rowsTo) && writePlace() && writeMark() && writeKeepsOld(round) && noteChange(round.events) && (isHealthy() || probe()) && m_connection->commit();
    if (good) {
        std::vector<AuditEvent>().swap(m_batch); // with its memory: a burst would keep it
        setRowsTo(rowsTo);
        forgetKeepsOld(round);
        return true;
    }
    m_connection->rollback();
    m_auditInsert->abandon();
    dropBatch();
    if (appended) {
        m_parts.audit->notApplied(round.events);
        round.isOnRecord = !round.events.empty();
    }
    return false;
}

bool Writer::mayDropBatch()
{
    const std::lock_guard guard(m_lock);
    return m_rows.isInFile(m_batch.back().seq);
}

// The file has these rows' lines, and memory is not to fill up with them.
void Writer::dropBatch()
{
    if (m_batch.empty() || !mayDropBatch())
        return;
    m_batch.clear();
    m_behind = true;
    m_catchUpAt = std::chrono::steady_clock::now() + retryLength;
}

bool Writer::decideAll(const std::vector<Submit> &submits, Round &round)
{
    round.outcomes.resize(submits.size());
    for (size_t at = 0; at < submits.size(); ++at) {
        if (m_behind && submits[at].rights == Rights::Give)
            round.outcomes[at] = tableBehind(m_obstacle);
        else if (!decideOne(submits[at], round, round.outcomes[at]))
            return false;
    }
    return true;
}

// False: the storage failed, and the round with it.
bool Writer::decideOne(const Submit &submit, Round &round, Outcome &outcome)
{
    // What decides is management's and reads what callers sent: what throws there is one change's trouble, not the round's.
    Result<Decision> decision = Error{ErrorKind::Internal, "", "", {}};
    guarded("storage", [&] { decision = submit.decide(round.working); });
    if (!decision) {
        outcome = decision.error();
        return true;
    }
    if (!m_connection->run(QStringLiteral("SAVEPOINT one_change")))
        return false;
    for (const Change &change : decision->changes) {
        const RowOutcome written = apply(change, round.working);
        if (written == RowOutcome::Failed)
            return false;
        if (written == RowOutcome::Constraint) {
            outcome = conflict();
            return m_connection->run(QStringLiteral("ROLLBACK TO one_change"))
                   && m_connection->run(QStringLiteral("RELEASE one_change"));
        }
    }
    if (!m_connection->run(QStringLiteral("RELEASE one_change")))
        return false;
    for (const Change &change : decision->changes)
        show(change, round);
    round.events.insert(round.events.end(), decision->events.begin(), decision->events.end());
    if (decision->carry)
        round.carries.emplace_back(round.events.size(), decision->carry);
    return true;
}

RowOutcome Writer::apply(const Change &change, const Snapshot &working)
{
    if (const auto *put = std::get_if<PutProject>(&change))
        return writeProject(*m_connection, put->project);
    if (const auto *put = std::get_if<PutToken>(&change)) {
        const bool hashed = put->token.hash.size() == static_cast<qsizetype>(TokenHash().size());
        return hashed ? writeToken(*m_connection, put->token) : RowOutcome::Constraint;
    }
    const TokenPtr token = working.tokenById(std::get<RemoveToken>(change).id.toStdString());
    return token ? removeToken(*m_connection, token->record()) : RowOutcome::Done;
}

void Writer::show(const Change &change, Round &round)
{
    round.changed = true;
    if (const auto *put = std::get_if<PutProject>(&change)) {
        round.working.putProject(makeProjectEntry(put->project, *m_parts.keys, *m_parts.secrets));
        return;
    }
    if (const auto *put = std::get_if<PutToken>(&change)) {
        round.working.putToken(makeTokenEntry(put->token, m_counters->stateOf(round.working, put->token.lineage.toStdString())));
        return;
    }
    const std::string id = std::get<RemoveToken>(change).id.toStdString();
    if (const TokenPtr token = round.working.tokenById(id)) {
        round.removedLineages.emplace_back(token->lineage());
        round.working.removeToken(id);
    }
}

bool Writer::writeRows(RowsTo &rowsTo)
{
    if (m_batch.empty())
        return true;
    for (const AuditEvent &row : m_batch) {
        if (!m_auditInsert->insert(row))
            return false;
    }
    rowsTo = {m_batch.back().seq, m_batch.back().hash};
    return m_auditInsert->finish() && writeRowsTo(*m_connection, rowsTo);
}

bool Writer::carryAll(const Round &round) const
{
    return std::all_of(round.carries.begin(), round.carries.end(), [&](const auto &one) {
        const int64_t seq = one.first > 0 && one.first <= round.events.size() ? round.events[one.first - 1].seq : 0;
        return seq == 0 || one.second(seq);
    });
}

// With the change itself: a start after a crash knows which lines are of changes that never were.
bool Writer::noteChange(const std::vector<AuditEvent> &events)
{
    if (events.empty() || events.back().seq == 0)
        return true;
    for (const AuditEvent &event : events) {
        if (event.action == Action::SystemStart && (!setMeta("start_seq", event.seq) || !setMeta(restoredName, 0)))
            return false;
    }
    return setMeta("last_change_seq", events.back().seq);
}

bool Writer::hasNotes()
{
    const std::lock_guard guard(m_lock);
    return m_place || m_chainMark || m_keepsOld;
}

// One that is not committed is noted anew with the next look at the chain.
bool Writer::writeMark()
{
    std::optional<ChainMark> mark;
    {
        const std::lock_guard guard(m_lock);
        mark.swap(m_chainMark);
    }
    return !mark || writeChainMark(*m_connection, *mark);
}

// What is noted after this one is higher; one that is not committed is noted anew with the next sync.
bool Writer::writePlace()
{
    std::optional<LogPlace> place;
    {
        const std::lock_guard guard(m_lock);
        place.swap(m_place);
    }
    if (!place)
        return true;
    QSqlQuery query = m_connection->query();
    query.prepare(QStringLiteral("INSERT INTO audit_files (path, first_seq, last_seq, last_hash) VALUES (?, ?, ?, ?) "
                                 "ON CONFLICT (path) DO UPDATE SET first_seq = excluded.first_seq, last_seq = excluded.last_seq, last_hash = excluded.last_hash"));
    query.addBindValue(QString::fromStdString(place->path));
    query.addBindValue(qint64{place->firstSeq});
    query.addBindValue(qint64{place->lastSeq});
    query.addBindValue(QString::fromStdString(place->lastHash));
    return ran(query, "log place");
}

bool Writer::writeKeepsOld(Round &round)
{
    {
        const std::lock_guard guard(m_lock);
        round.keepsOld = m_keepsOld;
    }
    return !round.keepsOld || setMeta(keepsOldName, *round.keepsOld);
}

void Writer::forgetKeepsOld(const Round &round)
{
    const std::lock_guard guard(m_lock);
    if (m_keepsOld == round.keepsOld)
        m_keepsOld.reset();
}

bool Writer::saveCounters(bool last)
{
    // Read before the states: a request is in its state before its event has a seq, so nothing is lost.
    const int64_t lastSeq = m_audits ? m_parts.audit->lastSeq() : 0;
    return m_runningCounters || last ? m_counters->saveRunning(*m_connection, *m_current, lastSeq)
                                     : m_counters->saveNoted(*m_connection);
}

bool Writer::probe()
{
    return setMeta("probe", Clock::wallMs());
}

bool Writer::setMeta(const char *name, int64_t value)
{
    return writeMeta(*m_connection, name, std::to_string(value));
}

void Writer::close()
{
    RowsTo rowsTo = m_rowsTo;
    Round round(*m_current);
    if (!m_runningCounters)
        m_counters->gather(*m_current);
    const bool saved = (m_connection || open()) && begin() && saveCounters(true) && m_parts.usage->write(*m_connection) && writeRows(rowsTo)
                       && writePlace() && writeMark() && writeKeepsOld(round) && m_connection->commit();
    if (saved)
        setRowsTo(rowsTo);
    else
        logError("storage_unsaved_at_stop", {{"path", m_parts.path}});
    if (m_connection && !saved)
        m_connection->rollback();
    tellWaiters(m_rowsTo.seq, true);
    tellWaiters(std::numeric_limits<int64_t>::max(), false);
    m_auditInsert.reset();
    if (m_connection)
        m_connection->run(QStringLiteral("PRAGMA wal_checkpoint(TRUNCATE)"));
    m_connection.reset();
}

} // namespace llmproxy
