// SPDX-License-Identifier: GPL-3.0-only
// The storage thread's life: queue, rounds, answers. What one transaction does stands in writer_round.cpp.
#include "storage/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"

#include <algorithm>
#include <limits>
#include <sys/resource.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// Counters are saved, and a failing disk is probed, this often.
constexpr auto tickLength = std::chrono::seconds(1);
constexpr int niceness = 5; // a third of an engine thread's weight
// Rows that nobody waits for gather this long: a commit costs an fsync. They are in the table within 100 ms.
constexpr auto gatherLength = std::chrono::milliseconds(50);
// How long a change waits for the table to catch up, and one that takes rights away for whoever locks the database.
constexpr auto catchUpWait = std::chrono::seconds(1);
constexpr auto lockWait = std::chrono::seconds(10);
// A transaction that takes longer stands still: the file is the queue.
constexpr auto roundLength = std::chrono::seconds(1);
// While the table catches up, requests go on, a little slower.
constexpr auto catchUpPause = std::chrono::milliseconds(50);
constexpr auto roomPoll = std::chrono::milliseconds(20);
// A file that cannot be read is looked at again this often: it may have to be decompressed each time.
constexpr auto blockedLength = std::chrono::seconds(10);

Error auditError()
{
    return {ErrorKind::Unavailable, "service_unavailable",
            "The audit log cannot be written, so nothing was changed; try again.", {}};
}

bool keepsRows(const AuditLog *audit)
{
    return audit && audit->config().enabled && audit->config().storeInDb;
}

} // namespace

Writer::Writer(Parts parts, Begin begin)
    : m_parts(std::move(parts))
    , m_audits(m_parts.audit && m_parts.audit->config().enabled)
    , m_hasFile(m_audits && !m_parts.audit->config().file.empty())
    , m_runningCounters(!m_audits || !m_parts.audit->config().refuseOnError)
    , m_current(std::move(begin.snapshot))
    , m_counters(std::move(begin.counters))
    , m_space(m_parts.path)
    , m_catchUp(m_hasFile ? m_parts.audit->config().file : std::string(), m_parts.keys)
    , m_rowsTo(std::move(begin.rowsTo))
    , m_lost(keepsRows(m_parts.audit) ? std::move(begin.lost) : LostRows())
    , m_rowsToShown(m_rowsTo.seq)
    , m_nextTick(std::chrono::steady_clock::now() + tickLength)
{
    m_rows.begin(keepsRows(m_parts.audit) ? std::move(begin.newest) : m_rowsTo, m_hasFile);
    m_rows.fileEndsAt(begin.fileTo);
    m_behind = missingRows().seq > 0;
    m_thread = makeThread("storage", [this] { run(); });
}

Writer::~Writer()
{
    stop();
}

void Writer::submit(AccessStore::Decide decide, AccessStore::Done done, Rights rights)
{
    {
        const std::lock_guard guard(m_lock);
        if (!m_stopped) {
            m_submits.push_back({std::move(decide), std::move(done), rights, std::chrono::steady_clock::now()});
            m_wake.notify_one();
            return;
        }
    }
    done(storageError());
}

void Writer::append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored)
{
    {
        const std::lock_guard guard(m_lock);
        if (!m_stopped) {
            const bool first = m_rows.isEmpty(), urgent = stored != nullptr;
            m_rowsUrgent = m_rowsUrgent || urgent;
            if (first)
                m_rowsDue = std::chrono::steady_clock::now() + gatherLength;
            m_rows.append(std::move(rows), std::move(stored));
            if (first || urgent)
                m_wake.notify_one();
            return;
        }
    }
    if (stored)
        stored(false);
}

// With m_lock.
bool Writer::isTaking() const
{
    return isHealthy() && (!m_roundBegan || std::chrono::steady_clock::now() - *m_roundBegan < roundLength);
}

bool Writer::waitForRoom()
{
    std::unique_lock guard(m_lock);
    const auto until = std::chrono::steady_clock::now() + catchUpPause;
    while (m_rows.size() >= RowQueue::crowdedRows && isTaking() && !m_stopping) {
        if (m_behind && std::chrono::steady_clock::now() >= until)
            break;
        m_rowsUrgent = true;
        m_wake.notify_one();
        m_room.wait_for(guard, roomPoll);
    }
    return m_rows.size() < RowQueue::mostRows || isTaking();
}

void Writer::fileEndsAt(int64_t seq)
{
    const std::lock_guard guard(m_lock);
    m_rows.fileEndsAt(seq);
}

void Writer::prove(std::function<void(bool ok)> done)
{
    const std::lock_guard guard(m_lock);
    m_proofs.push_back(std::move(done));
    m_wake.notify_one();
}

void Writer::noteLogPlace(LogPlace place)
{
    const std::lock_guard guard(m_lock);
    m_place = std::move(place);
}

void Writer::noteChainMark(ChainMark mark)
{
    const std::lock_guard guard(m_lock);
    m_chainMark = std::move(mark);
}

void Writer::noteKeepsOld(int64_t ms)
{
    const std::lock_guard guard(m_lock);
    m_keepsOld = ms;
}

void Writer::setRound(bool isRunning)
{
    const std::lock_guard guard(m_lock);
    if (isRunning)
        m_roundBegan = std::chrono::steady_clock::now();
    else
        m_roundBegan.reset();
    m_room.notify_all();
}

TableState Writer::tableState() const
{
    const std::lock_guard guard(m_lock);
    return {m_rowsToShown, m_behind || !isHealthy(), m_locked, m_obstacle};
}

void Writer::passOverUnreadable()
{
    const std::lock_guard guard(m_lock);
    m_passesOver = !m_obstacle.empty();
    m_wake.notify_one();
}

void Writer::update(const std::string &reference)
{
    const std::lock_guard guard(m_lock);
    m_updates.insert(reference);
    m_wake.notify_one();
}

void Writer::retain(int64_t toSeq, Retention::Done done)
{
    {
        const std::lock_guard guard(m_lock);
        if (!m_stopped && !m_stopping && !m_retain) {
            m_retain.emplace(toSeq, std::move(done));
            m_wake.notify_one();
            return;
        }
    }
    done(false, 0);
}

// A thousand rows, then whoever waits has his turn again.
void Writer::stepRetention()
{
    if (!m_retention.isActive())
        return;
    bool termsGone = false;
    if (!m_connection || !m_retention.step(*m_connection, &termsGone)) {
        m_retention.abandon();
        return;
    }
    if (termsGone)
        m_auditInsert->abandon();
}

// After whoever waits, and not while more is being removed.
void Writer::giveSpaceBack(bool tick)
{
    if (!m_connection || m_retention.isActive() || !isHealthy())
        return;
    if (tick)
        m_space.look(*m_connection, std::exchange(m_wrote, false));
    if (m_space.isActive())
        m_space.step(*m_connection);
}

void Writer::stop()
{
    if (!m_thread.joinable())
        return;
    {
        const std::lock_guard guard(m_lock);
        m_stopping = true;
        m_wake.notify_one();
    }
    m_thread.join();
}

void Writer::run()
{
    // Rows come in bursts of a millisecond; whoever waits for an answer goes first where processors are few.
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
    std::vector<Submit> submits;
    std::set<std::string> updates;
    while (wait(submits, updates)) {
        const bool tick = std::chrono::steady_clock::now() >= m_nextTick;
        if (tick)
            m_nextTick = std::chrono::steady_clock::now() + tickLength;
        applyUpdates(updates);
        catchUp(!submits.empty());
        tellLost();
        takeRows();
        work(submits, tick);
        proveNow();
        stepRetention();
        giveSpaceBack(tick);
    }
    m_retention.abandon();
    close();
}

// With m_lock.
bool Writer::isDue()
{
    const auto now = std::chrono::steady_clock::now();
    const bool rows = !m_behind && !m_rows.isEmpty() && (m_rowsUrgent || now >= m_rowsDue); // behind a gap they wait for what is missing
    return m_stopping || m_retain || !m_proofs.empty() || m_retention.isActive() || (m_space.isActive() && isHealthy()) || !m_submits.empty() || !m_updates.empty() || rows || now >= m_nextTick
        || (m_behind && (m_passesOver || now >= m_catchUpAt));
}

// What is missing, and what is behind it, stands in the file: the next start takes it from there. Where neither takes it, it is lost.
bool Writer::mayLeaveRows() const
{
    return m_behind && m_hasFile && (m_rows.isInFile(m_rows.newest()) || !takesRows());
}

bool Writer::wait(std::vector<Submit> &submits, std::set<std::string> &updates)
{
    submits.clear();
    updates.clear();
    std::unique_lock guard(m_lock);
    while (!isDue()) {
        auto until = m_rows.isEmpty() || m_behind ? m_nextTick : std::min(m_nextTick, m_rowsDue);
        if (m_behind)
            until = std::min(until, m_catchUpAt);
        m_wake.wait_until(guard, until);
    }
    m_stopped = m_stopping && m_submits.empty() && (m_rows.isEmpty() || mayLeaveRows()) && m_updates.empty();
    submits.swap(m_submits);
    updates.swap(m_updates);
    if (auto retain = std::exchange(m_retain, std::nullopt)) {
        guard.unlock();
        m_retention.begin(retain->first, std::move(retain->second));
    }
    return !m_stopped;
}

void Writer::takeRows()
{
    const std::lock_guard guard(m_lock);
    m_rows.takeAfter(m_batch.empty() ? m_rowsTo.seq : m_batch.back().seq, m_batch);
    // More came at once than may wait, and the queue let it go.
    if (m_rows.missingAfter(m_batch.empty() ? m_rowsTo.seq : m_batch.back().seq).seq > 0)
        m_behind = true;
    m_rowsUrgent = false;
    m_room.notify_all();
}

// Up to this one rows are in the files alone; seq 0: none are.
RowsTo Writer::missingRows()
{
    const std::lock_guard guard(m_lock);
    return m_rows.missingAfter(m_batch.empty() ? m_rowsTo.seq : m_batch.back().seq);
}

// A step, or when a change waits for it as many as fit into a second.
void Writer::catchUp(bool isWaitedFor)
{
    if (!m_behind || !m_batch.empty())
        return;
    const auto until = std::chrono::steady_clock::now() + catchUpWait;
    const bool passesOver = isPassingOver();
    RowsTo upTo = missingRows();
    for (bool goesOn = true; upTo.seq > 0 && goesOn; upTo = missingRows()) {
        const auto now = std::chrono::steady_clock::now();
        const bool mayTry = (isWaitedFor && !m_isBlocked) || passesOver || now >= m_catchUpAt;
        const bool good = mayTry && catchUpStep(upTo);
        if (!good && mayTry)
            m_catchUpAt = std::chrono::steady_clock::now() + (m_isBlocked ? blockedLength : tickLength);
        goesOn = good && isWaitedFor && now < until;
    }
    m_behind = upTo.seq > 0;
    if (!m_behind) {
        m_catchUp.passOver(false);
        setObstacle({});
    }
}

// What was said once holds until the table is whole.
bool Writer::isPassingOver()
{
    const std::lock_guard guard(m_lock);
    if (!std::exchange(m_passesOver, false))
        return false;
    m_catchUp.passOver(true);
    m_catchUpAt = {};
    return true;
}

bool Writer::catchUpStep(const RowsTo &upTo)
{
    if (!m_connection && !open())
        return false;
    RowsTo rowsTo = m_rowsTo;
    AuditCatchUp::Found found;
    setRound(true);
    const bool good = begin() && m_catchUp.step(*m_connection, *m_auditInsert, upTo, rowsTo, found) && m_connection->commit();
    setRound(false);
    if (!good) {
        m_connection->rollback();
        m_auditInsert->abandon();
        m_catchUp.reset();
        return false;
    }
    setRowsTo(rowsTo);
    setObstacle(found.obstacle);
    m_lost.insert(m_lost.end(), found.lost.begin(), found.lost.end());
    tellWaiters(rowsTo.seq, true);
    return !m_isBlocked;
}

void Writer::setObstacle(const std::optional<LogProblem> &obstacle)
{
    const std::string text = obstacle ? obstacle->text() : std::string();
    m_isBlocked = obstacle.has_value();
    {
        const std::lock_guard guard(m_lock);
        if (std::exchange(m_obstacle, text) == text)
            return;
    }
    if (obstacle)
        logError("the audit table needs a file of the log that cannot be read; make it readable, or go on without what it holds: llm-proxy audit review",
                 {{"file", obstacle->file}, {"why", obstacle->why}, {"rows_to", std::to_string(m_rowsTo.seq)}});
}

// Somebody took the lines away before their rows were made; who did what then, nobody can say any more. Not before the table is whole:
// until then a row may come that says so already.
void Writer::tellLost()
{
    if (m_behind)
        return;
    if (m_lost.empty() || !m_connection || !readLostRows(*m_connection, &m_lost)) // a row that came meanwhile may have declared one
        return;
    for (const auto &[from, to] : std::exchange(m_lost, {}))
        m_parts.audit->report({std::string(lostRowsReason), "Lines of the audit log were removed before they were in the table.", from, to});
}

void Writer::work(std::vector<Submit> &submits, bool tick)
{
    const bool countersDue = tick && (m_runningCounters || m_counters->gather(*m_current));
    const bool usageDue = tick && m_parts.usage->isDue();
    const bool probeDue = tick && (!isHealthy() || hasNotes());
    if (submits.empty() && m_batch.empty() && !countersDue && !usageDue && !probeDue) {
        tellWaiters(m_rowsTo.seq, true);
        return;
    }
    Round round(*m_current);
    setRound(true);
    const bool committed = (m_connection || open()) && writeRound(submits, round, countersDue, usageDue);
    setRound(false);
    m_wrote = true;
    m_counters->settle(committed);
    m_parts.usage->settle(committed);
    if (!round.auditRefused)
        setHealthy(committed);
    if (committed)
        publish(round);
    else
        retryLater(submits);
    answer(submits, round, committed);
    // Who waits for a row is told at once that it is not stored; the row itself is not forgotten.
    tellWaiters(committed ? m_rowsTo.seq : std::numeric_limits<int64_t>::max(), committed);
}

// A round of its own: one that failed for another reason says nothing of the disk.
void Writer::proveNow()
{
    std::vector<std::function<void(bool ok)>> proofs;
    {
        const std::lock_guard guard(m_lock);
        proofs.swap(m_proofs);
    }
    if (proofs.empty())
        return;
    setRound(true);
    const bool good = (m_connection || open()) && begin() && probe() && m_connection->commit();
    if (!good && m_connection)
        m_connection->rollback();
    setRound(false);
    setHealthy(good);
    for (const auto &told : proofs)
        told(good);
}

// What takes rights away goes on trying while another process locks the database.
void Writer::retryLater(std::vector<Submit> &submits)
{
    if (!m_locked)
        return;
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard guard(m_lock);
    for (Submit &submit : submits) {
        if (submit.rights == Rights::Take && now - submit.since < lockWait && !m_stopping)
            m_submits.push_back(std::exchange(submit, {}));
    }
}

void Writer::publish(Round &round)
{
    for (const std::string &lineage : round.removedLineages) {
        if (round.working.lineage(lineage).empty())
            m_counters->forget(lineage);
    }
    if (!round.changed)
        return;
    m_current = std::make_shared<const Snapshot>(std::move(round.working));
    m_parts.holder->publish(m_current);
}

void Writer::answer(const std::vector<Submit> &submits, const Round &round, bool committed)
{
    for (size_t at = 0; at < submits.size(); ++at) {
        if (!submits[at].done)
            continue;
        // After a rollback nobody's outcome holds: it may rest on a neighbour's change that never was.
        if (committed) {
            guarded("storage", [&] { submits[at].done(round.outcomes[at]); });
            continue;
        }
        Error error = round.auditRefused ? auditError() : m_locked ? lockedError() : storageError();
        error.isOnRecord = round.isOnRecord && at < round.outcomes.size() && !round.outcomes[at];
        guarded("storage", [&] { submits[at].done(error); });
    }
}

void Writer::tellWaiters(int64_t upTo, bool stored)
{
    std::vector<RowQueue::Waiter> waiters;
    {
        const std::lock_guard guard(m_lock);
        waiters = m_rows.takeWaiters(upTo);
    }
    for (const RowQueue::Waiter &waiter : waiters)
        waiter.stored(stored);
}

void Writer::setRowsTo(const RowsTo &rowsTo)
{
    m_rowsTo = rowsTo;
    m_rowsToShown = rowsTo.seq;
}

void Writer::applyUpdates(const std::set<std::string> &references)
{
    if (references.empty())
        return;
    Snapshot working(*m_current);
    if (!updateReferences(working, references, *m_parts.secrets))
        return;
    m_current = std::make_shared<const Snapshot>(std::move(working));
    m_parts.holder->publish(m_current);
}

void Writer::setHealthy(bool healthy)
{
    if (m_healthy.exchange(healthy) == healthy)
        return;
    if (healthy)
        logInfo("storage_recovered");
    else
        logError("storage_unavailable", {{"path", m_parts.path}});
}

} // namespace llmproxy
