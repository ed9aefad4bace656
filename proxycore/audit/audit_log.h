// SPDX-License-Identifier: GPL-3.0-only
// The audit log. One thread ("audit") assigns seq, prev and hash, appends to the file and fsyncs it;
// it hands rows to an AuditTable (implemented by storage). Owned by the engine.
//
// Order for a management change (ruling 35): storage opens its transaction and applies the change,
// calls appendNow(), inserts the returned rows itself, commits. If that commit fails it calls
// notApplied() so that the next line says so.
// Signed checkpoints are written behind every 1,000 events, a minute after the last event, at a rotation and at the end.
// Access events: record() queues; the audit thread writes a batch to the file, calls the completions,
// and hands the rows to the table within 100 ms.
#pragma once

#include "audit/checkpoint.h"
#include "audit/event.h"
#include "audit/masking.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace llmproxy {

class KeyRing;

enum class AuditFsync { Management, Always, Never };

struct AuditConfig
{
    bool enabled = true;
    std::string file;             // empty: none
    unsigned fileMode = 0600;
    bool createDir = true;
    bool storeInDb = true;
    bool maskClientIp = false;
    bool refuseOnError = true;    // AUDIT_ON_ERROR=refuse
    AuditFsync fsync = AuditFsync::Management;
    int64_t maxFileBytes = 0;     // the file is rotated at this size and when the day ends in UTC; 0: somebody else does that
    int64_t fileRetentionMs = 0;  // rotated files are removed at this age; 0: never
    const KeyRing *keys = nullptr;  // reads encrypted rotated files; outlives the log
    bool encryptRotated = false;    // with keys
    std::shared_ptr<const CheckpointKey> checkpointKey; // null: no checkpoints
    // Sees each event that was written, in order, with its seq; and, with seq 0, one that is lost because too many wait for a disk
    // that fails. Must be quick. Thread: audit.
    std::function<void(const AuditEvent &event)> seen;
    // Makes the event of an entry's outcome. Thread: audit.
    std::function<AuditEvent(const RequestOutcome &outcome)> eventOf;
    // Gets each checkpoint's line once it is durable, for a place outside; must not wait. Thread: audit, or storage.
    std::function<void(const std::string &line)> anchor;
};

// Where rows go; implemented by storage. Thread-safe.
class AuditTable
{
public:
    virtual ~AuditTable() = default;
    // Queues rows for the next commit; stored(ok) is called on the storage thread. Rows whose seq is there
    // already are ignored, not an error: a replay overlaps what the table has. May be called before the
    // storage thread runs (a replay at start); once it has ended, stored(false) at once.
    virtual void append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored) = 0;
    // Highest seq in the table and its hash, 0 and "" when empty. Called before the thread starts.
    virtual int64_t lastSeq(std::string *hash) = 0;
    // The seq of the last event whose change was committed; 0 when nothing is known. Called before the thread starts.
    virtual int64_t lastChangeSeq() = 0;
    // The lines of the rows after a seq, oldest first. False: they cannot be read. Called before the thread starts.
    virtual bool linesAfter(int64_t seq, const std::function<void(const std::string &line)> &line) = 0;
    // Events of an earlier run, from the file: those that were not counted then are counted now. Before the thread starts.
    virtual void countMissed(const std::vector<AuditEvent> &) {}
    // The last seq that was counted for good. Called before the thread starts.
    virtual int64_t lastCountedSeq() { return INT64_MAX; }
};

class AuditLog
{
public:
    explicit AuditLog(AuditConfig config);
    ~AuditLog(); // stop()
    AuditLog(const AuditLog &) = delete;
    AuditLog &operator=(const AuditLog &) = delete;

    // Opens (creates 0600) the file, repairs a half-written last line, finds the last seq and hash in
    // file and table, replays rows missing in the table, starts the thread. Without storeInDb the table may be null.
    Outcome start(AuditTable *table);
    // Writes and fsyncs everything queued, then ends the thread.
    void stop();
    // True when start() found traces of a crash: half a line, rows or lines that only one of file and table had.
    bool recovered() const;

    // Queues one event. written(ok) is called once on the audit thread when it has reached the file
    // (write(2); and fsync when AUDIT_FSYNC=always, or when a person's call waits for it: actor
    // management, console or cli and AUDIT_FSYNC is not never), or with no file: when its row is committed.
    // ok is false when the event could not be written and AUDIT_ON_ERROR=refuse. May be null.
    // An event that failed is kept and written first on recovery; where a call is answered with 503 for it, with
    // "result":"error", "reason":"service_unavailable".
    using Written = std::function<void(bool ok)>;
    void record(AuditEvent event, Written written);

    // Many at once: one hand-over, one wake.
    // sign: with a checkpoint behind the event, in the same batch. outcome: instead of an event, which the audit thread makes of it.
    struct Entry { AuditEvent event; Written written; bool sign = false; std::shared_ptr<const RequestOutcome> outcome = nullptr; };
    void recordAll(std::vector<Entry> entries);

    // Blocking, from the storage thread: assigns, appends and fsyncs these events, fills seq, prev and hash. With
    // AUDIT_ON_ERROR=log and a failing file they count as written and events is emptied: the change goes on, the rows follow by
    // append() on recovery.
    enum class Appended {
        Yes,
        No,        // nothing of them is written
        TakenBack, // they cannot be made durable: written, and notApplied() with them
    };
    Appended appendNow(std::vector<AuditEvent> &events);
    // The transaction of these already appended events failed: queues "result":"error",
    // "reason":"not_applied" with their action and "not_applied_seq", and hands all rows to the table.
    void notApplied(const std::vector<AuditEvent> &events);

    bool healthy() const;   // false while writing fails: the data plane answers 503
    void reopen();          // SIGHUP
    int64_t lastSeq() const;
    const AuditConfig &config() const;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace llmproxy
