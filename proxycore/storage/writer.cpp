// SPDX-License-Identifier: GPL-3.0-only
// The storage thread's life: queue, rounds, answers. What one transaction does stands in writer_round.cpp.
#include "storage/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "exchange/outcome_event.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// Counters are saved, and a failing disk is probed, this often.
constexpr auto tickLength = std::chrono::seconds(1);
constexpr int niceness = 5; // a third of an engine thread's weight
// Rows that nobody waits for gather this long: a commit costs an fsync. They are in the table within 100 ms.
constexpr auto gatherLength = std::chrono::milliseconds(50);
// About 100 MB; more is dropped while nothing can be written, for the file has it.
constexpr size_t maxRows = 100'000;

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

Writer::Writer(Parts parts, SnapshotPtr snapshot, std::unique_ptr<Counters> counters)
    : m_parts(std::move(parts))
    , m_audits(m_parts.audit && m_parts.audit->config().enabled)
    , m_hasFile(m_audits && !m_parts.audit->config().file.empty())
    , m_runningCounters(!keepsRows(m_parts.audit) || !m_parts.audit->config().refuseOnError)
    , m_current(std::move(snapshot))
    , m_counters(std::move(counters))
    , m_nextTick(std::chrono::steady_clock::now() + tickLength)
{
    m_thread = std::thread([this] { run(); });
}

Writer::~Writer()
{
    stop();
}

void Writer::submit(AccessStore::Decide decide, AccessStore::Done done)
{
    {
        const std::lock_guard guard(m_lock);
        if (!m_stopped) {
            m_submits.push_back({std::move(decide), std::move(done)});
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
            const bool drop = m_dropping || m_rowCount + rows.size() > maxRows;
            m_dropping = drop && m_hasFile;
            if (drop)
                rows.clear();
            m_rowCount += rows.size();
            const bool first = m_rows.empty();
            const bool urgent = stored || drop;
            m_rowsUrgent = m_rowsUrgent || urgent;
            if (first)
                m_rowsDue = std::chrono::steady_clock::now() + gatherLength;
            m_rows.push_back({std::move(rows), std::move(stored), drop});
            if (first || urgent)
                m_wake.notify_one();
            return;
        }
    }
    if (stored)
        stored(false);
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
    pthread_setname_np(pthread_self(), "storage");
    // Rows come in bursts of a millisecond; whoever waits for an answer goes first where processors are few.
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
    std::vector<Submit> submits;
    std::set<std::string> updates;
    while (wait(submits, updates)) {
        const bool tick = std::chrono::steady_clock::now() >= m_nextTick;
        if (tick)
            m_nextTick = std::chrono::steady_clock::now() + tickLength;
        applyUpdates(updates);
        takeRows();
        work(submits, tick);
        stepRetention();
    }
    m_retention.abandon();
    close();
}

bool Writer::wait(std::vector<Submit> &submits, std::set<std::string> &updates)
{
    submits.clear();
    updates.clear();
    std::unique_lock guard(m_lock);
    const auto hasWork = [this] { return !m_submits.empty() || !m_rows.empty() || !m_updates.empty(); };
    const auto isDue = [this] {
        const bool rows = !m_rows.empty() && (m_rowsUrgent || std::chrono::steady_clock::now() >= m_rowsDue);
        return m_stopping || m_retain || m_retention.isActive() || !m_submits.empty() || !m_updates.empty() || rows || std::chrono::steady_clock::now() >= m_nextTick;
    };
    while (!isDue())
        m_wake.wait_until(guard, m_rows.empty() ? m_nextTick : std::min(m_nextTick, m_rowsDue));
    m_stopped = m_stopping && !hasWork();
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
    std::vector<Rows> taken;
    {
        const std::lock_guard guard(m_lock);
        taken.swap(m_rows);
        m_rowsUrgent = false;
    }
    for (Rows &rows : taken) {
        if (rows.dropped) {
            if (!m_tableBehind)
                logError("audit_rows_dropped", {{"why", "the database cannot be written"},
                                                {"come_back", m_hasFile ? "at the next start" : "no"}});
            m_tableBehind = m_hasFile;
            m_runningCounters = true;
            if (rows.stored)
                rows.stored(false);
            continue;
        }
        for (AuditEvent &row : rows.rows) {
            if (row.action != Action::TokenAccess)
                continue;
            m_counters->apply(row.outcome ? *row.outcome : outcomeOf(row), row.seq, *m_current);
            row.outcome.reset();
        }
        m_waiting.push_back(std::move(rows));
    }
}

void Writer::work(const std::vector<Submit> &submits, bool tick)
{
    const bool countersDue = tick && (m_runningCounters || m_counters->isDirty());
    const bool usageDue = tick && m_parts.usage->isDue();
    const bool probeDue = tick && !isHealthy();
    if (submits.empty() && m_waiting.empty() && !countersDue && !usageDue && !probeDue)
        return;
    Round round(*m_current);
    const bool committed = (m_connection || open()) && writeRound(submits, round, countersDue, usageDue);
    m_counters->settle(committed);
    m_parts.usage->settle(committed);
    if (!round.auditRefused)
        setHealthy(committed);
    if (committed)
        publish(round);
    answer(submits, round, committed);
    if (committed)
        answerRows(true);
    else
        refuseWaiting();
}

// Who waits for a row is told at once that it is not stored; the row itself stays for recovery.
void Writer::refuseWaiting()
{
    for (Rows &rows : m_waiting) {
        if (const auto stored = std::exchange(rows.stored, nullptr))
            stored(false);
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
            submits[at].done(round.outcomes[at]);
            continue;
        }
        Error error = round.auditRefused ? auditError() : storageError();
        error.isOnRecord = round.isOnRecord && at < round.outcomes.size() && !round.outcomes[at];
        submits[at].done(error);
    }
}

void Writer::answerRows(bool stored)
{
    std::vector<Rows> answered;
    answered.swap(m_waiting);
    size_t count = 0;
    for (const Rows &rows : answered)
        count += rows.rows.size();
    {
        const std::lock_guard guard(m_lock);
        m_rowCount -= count;
    }
    for (const Rows &rows : answered) {
        if (rows.stored)
            rows.stored(stored);
    }
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
