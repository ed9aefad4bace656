// SPDX-License-Identifier: GPL-3.0-only
// The storage thread: the only one that writes SQLite while the engine runs. It takes everything that is
// queued into one transaction (group commit), in the order of ruling 35: change, audit line, row, commit,
// snapshot, answer. Owned by Database.
//
// Audit rows enter the table in the order of their seq, whatever happens (ruling 48). While the database takes none, the log's
// file is the queue; then the table catches up from it, some thousand rows between other work. Until it has, a change that gives
// rights is refused before its line is written, and the row of one that takes rights away follows later.
#pragma once

#include "access/store.h"
#include "storage/access_rows.h"
#include "storage/audit_catch_up.h"
#include "storage/audit_rows.h"
#include "storage/chain_mark.h"
#include "storage/counters.h"
#include "storage/database.h"
#include "storage/entries.h"
#include "storage/retention.h"
#include "storage/row_queue.h"
#include "storage/space.h"
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

    struct Begin
    {
        SnapshotPtr snapshot; // already published
        std::unique_ptr<Counters> counters;
        RowsTo rowsTo;
        RowsTo newest; // the log's last event
        int64_t fileTo = INT64_MAX; // see fileEndsAt()
        LostRows lost; // not declared yet
    };
    Writer(Parts parts, Begin begin);
    ~Writer(); // stop()
    Writer(const Writer &) = delete;
    Writer &operator=(const Writer &) = delete;

    // Any thread.
    void submit(AccessStore::Decide decide, AccessStore::Done done, Rights rights);
    void append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored);
    bool waitForRoom();
    void fileEndsAt(int64_t seq);
    void prove(std::function<void(bool ok)> done);
    void noteLogPlace(LogPlace place);
    void noteChainMark(ChainMark mark);
    void noteKeepsOld(int64_t ms);
    // What the cache says of this reference changed: it is put into the snapshot (no stored change).
    void update(const std::string &reference);
    // Removes audit rows up to this seq, between other work; done on the storage thread.
    void retain(int64_t toSeq, Retention::Done done);
    void passOverUnreadable();
    bool isHealthy() const { return m_healthy.load(std::memory_order_relaxed); }
    bool takesRows() const { return isHealthy() && !m_isBlocked; }
    TableState tableState() const;
    void note(const RequestOutcome &outcome, int64_t seq)
    {
        if (!m_runningCounters)
            m_counters->note(outcome, seq);
    }
    // Everything queued is written first.
    void stop();

private:
    struct Submit
    {
        AccessStore::Decide decide;
        AccessStore::Done done;
        Rights rights = Rights::Give;
        std::chrono::steady_clock::time_point since;
    };
    // What one transaction is going to be. Nothing of it is seen by anybody before the commit.
    struct Round
    {
        explicit Round(const Snapshot &now) : working(now) {}

        Snapshot working;
        std::vector<AuditEvent> events;
        std::vector<Outcome> outcomes; // one for each submit
        std::vector<std::pair<size_t, std::function<bool(int64_t seq)>>> carries; // number of events up to and with its last, Decision::carry
        std::vector<std::string> removedLineages;
        std::optional<int64_t> keepsOld;
        bool changed = false;
        bool auditRefused = false;
        bool isOnRecord = false; // the events stand, and others that take them back
    };

    void run();
    bool open();
    bool begin();
    // Waits for work, or until the next second; false when there is nothing more to come.
    bool wait(std::vector<Submit> &submits, std::set<std::string> &updates);
    bool isDue();
    void takeRows();
    RowsTo missingRows();
    bool mayLeaveRows() const;
    bool mayDropBatch();
    void catchUp(bool isWaitedFor);
    bool catchUpStep(const RowsTo &upTo);
    bool isPassingOver();
    void setObstacle(const std::optional<LogProblem> &obstacle);
    bool isTaking() const;
    void setRound(bool isRunning);
    void work(std::vector<Submit> &submits, bool tick);
    bool writeRound(const std::vector<Submit> &submits, Round &round, bool tick, bool usageDue);
    bool decideAll(const std::vector<Submit> &submits, Round &round);
    bool decideOne(const Submit &submit, Round &round, Outcome &outcome);
    RowOutcome apply(const Change &change, const Snapshot &working);
    void show(const Change &change, Round &round);
    bool writeRows(RowsTo &rowsTo);
    void dropBatch();
    bool saveCounters(bool last);
    bool carryAll(const Round &round) const;
    bool noteChange(const std::vector<AuditEvent> &events);
    bool hasNotes();
    bool writePlace();
    bool writeMark();
    bool writeKeepsOld(Round &round);
    void forgetKeepsOld(const Round &round);
    bool setMeta(const char *name, int64_t value);
    bool probe();
    void proveNow();
    void publish(Round &round);
    void retryLater(std::vector<Submit> &submits);
    void answer(const std::vector<Submit> &submits, const Round &round, bool committed);
    void tellWaiters(int64_t upTo, bool stored);
    void tellLost();
    void setRowsTo(const RowsTo &rowsTo);
    void applyUpdates(const std::set<std::string> &references);
    void stepRetention();
    void giveSpaceBack(bool tick);
    void close();
    void setHealthy(bool healthy);

    const Parts m_parts;
    const bool m_audits;      // changes have events
    const bool m_hasFile;     // rows that cannot be written wait there
    const bool m_runningCounters; // see counters.h
    SnapshotPtr m_current;
    std::unique_ptr<Counters> m_counters;
    std::unique_ptr<SqlConnection> m_connection;
    std::unique_ptr<AuditInsert> m_auditInsert;
    Retention m_retention;
    Space m_space;
    bool m_wrote = false; // since the last second
    AuditCatchUp m_catchUp;
    RowsTo m_rowsTo;                 // committed
    std::vector<AuditEvent> m_batch; // taken, not committed; follows on rowsTo
    std::chrono::steady_clock::time_point m_catchUpAt; // not before
    std::atomic<bool> m_isBlocked{false}; // by a file that cannot be read
    LostRows m_lost;          // to be declared
    std::atomic<int64_t> m_rowsToShown{0};
    std::atomic<bool> m_behind{false}; // rows are missing that no longer wait in memory
    std::atomic<bool> m_locked{false}; // by another process, at the last try

    mutable std::mutex m_lock;
    std::condition_variable m_wake;
    std::vector<Submit> m_submits;
    RowQueue m_rows;
    std::condition_variable m_room;
    std::optional<std::chrono::steady_clock::time_point> m_roundBegan;
    std::set<std::string> m_updates;
    std::optional<std::pair<int64_t, Retention::Done>> m_retain;
    std::optional<LogPlace> m_place; // noted, not committed
    std::optional<ChainMark> m_chainMark; // likewise
    std::optional<int64_t> m_keepsOld;
    std::string m_obstacle;
    bool m_passesOver = false; // somebody said so just now
    std::vector<std::function<void(bool ok)>> m_proofs; // asked for
    bool m_rowsUrgent = false; // somebody waits for them
    std::chrono::steady_clock::time_point m_rowsDue;
    bool m_stopping = false;
    bool m_stopped = false;
    std::chrono::steady_clock::time_point m_nextTick;
    std::atomic<bool> m_healthy{true};
    std::thread m_thread;
};

} // namespace llmproxy
