// SPDX-License-Identifier: GPL-3.0-only
// The storage thread: the only one that writes SQLite while the engine runs. It takes everything that is
// queued into one transaction (group commit), in the order of ruling 35: change, audit line, row, commit,
// snapshot, answer. Owned by Database.
#pragma once

#include "access/store.h"
#include "storage/access_rows.h"
#include "storage/audit_rows.h"
#include "storage/counters.h"
#include "storage/retention.h"
#include "storage/database.h"
#include "storage/entries.h"
#include "storage/usage_rollup.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace llmproxy {

class Writer
{
public:
    struct Parts
    {
        std::string path;
        SnapshotHolder *holder = nullptr;
        AuditLog *audit = nullptr; // may be null: no events
        const KeyRing *keys = nullptr;
        SecretCache *secrets = nullptr;
        UsageRollup *usage = nullptr;
    };

    // The snapshot is already published.
    Writer(Parts parts, SnapshotPtr snapshot, std::unique_ptr<Counters> counters);
    ~Writer(); // stop()
    Writer(const Writer &) = delete;
    Writer &operator=(const Writer &) = delete;

    // Any thread.
    void submit(AccessStore::Decide decide, AccessStore::Done done);
    void append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored);
    // What the cache says of this reference changed: it is put into the snapshot (no stored change).
    void update(const std::string &reference);
    // Removes audit rows up to this seq, between other work; done on the storage thread.
    void retain(int64_t toSeq, Retention::Done done);
    bool isHealthy() const { return m_healthy.load(std::memory_order_relaxed); }
    // Everything queued is written first.
    void stop();

private:
    struct Submit { AccessStore::Decide decide; AccessStore::Done done; };
    struct Rows { std::vector<AuditEvent> rows; std::function<void(bool ok)> stored; bool dropped = false; };
    // What one transaction is going to be. Nothing of it is seen by anybody before the commit.
    struct Round
    {
        explicit Round(const Snapshot &now) : working(now) {}

        Snapshot working;
        std::vector<AuditEvent> events;
        std::vector<Outcome> outcomes; // one for each submit
        std::vector<std::pair<size_t, std::function<bool(int64_t seq)>>> carries; // number of events up to and with its last, Decision::carry
        std::vector<std::string> removedLineages;
        bool changed = false;
        bool auditRefused = false;
        bool isOnRecord = false; // the events stand, and others that take them back
    };

    void run();
    bool open();
    // Waits for work, or until the next second; false when there is nothing more to come.
    bool wait(std::vector<Submit> &submits, std::set<std::string> &updates);
    void takeRows();
    void work(const std::vector<Submit> &submits, bool tick);
    bool writeRound(const std::vector<Submit> &submits, Round &round, bool tick, bool usageDue);
    bool decideAll(const std::vector<Submit> &submits, Round &round);
    bool decideOne(const Submit &submit, Round &round, Outcome &outcome);
    RowOutcome apply(const Change &change, const Snapshot &working);
    void show(const Change &change, Round &round);
    bool writeEvents(const std::vector<AuditEvent> &events);
    bool writeWaitingRows();
    bool saveCounters(bool last);
    bool carryAll(const Round &round) const;
    bool noteChange(const std::vector<AuditEvent> &events);
    bool setMeta(const char *name, int64_t value);
    bool probe();
    void publish(Round &round);
    void answer(const std::vector<Submit> &submits, const Round &round, bool committed);
    void answerRows(bool stored);
    void refuseWaiting();
    void applyUpdates(const std::set<std::string> &references);
    void stepRetention();
    void close();
    void setHealthy(bool healthy);

    const Parts m_parts;
    const bool m_audits;      // changes have events
    const bool m_hasFile;     // rows that are dropped come back from the file at the next start
    bool m_runningCounters;   // see counters.h
    SnapshotPtr m_current;
    std::unique_ptr<Counters> m_counters;
    std::unique_ptr<SqlConnection> m_connection;
    std::unique_ptr<AuditInsert> m_auditInsert;
    Retention m_retention;
    std::vector<Rows> m_waiting; // taken, not committed
    bool m_tableBehind = false; // rows were dropped: the table stays a beginning of the file until the next start

    std::mutex m_lock;
    std::condition_variable m_wake;
    std::vector<Submit> m_submits;
    std::vector<Rows> m_rows;
    std::set<std::string> m_updates;
    std::optional<std::pair<int64_t, Retention::Done>> m_retain;
    size_t m_rowCount = 0; // queued and waiting
    bool m_rowsUrgent = false; // somebody waits for them
    std::chrono::steady_clock::time_point m_rowsDue;
    bool m_dropping = false;
    bool m_stopping = false;
    bool m_stopped = false;
    std::chrono::steady_clock::time_point m_nextTick;
    std::atomic<bool> m_healthy{true};
    std::thread m_thread;
};

} // namespace llmproxy
