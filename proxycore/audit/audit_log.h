// SPDX-License-Identifier: GPL-3.0-only
// The audit log. One thread ("audit") assigns seq, prev and hash, appends to the file and fsyncs it;
// it hands rows to an AuditTable (implemented by storage). Owned by the engine.
//
// Order for a management change (ruling 35): storage opens its transaction and applies the change,
// calls appendNow(), inserts the rows that are queued by then, commits. If that commit fails it calls
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
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

class KeyRing;
struct VerifyProblem;

enum class AuditFsync { Management, Always, Never };

// What happened to the log that nobody ordered: an event system.recovered with this reason, an alert, and a failed check until
// somebody has reviewed the log.
struct AuditFinding
{
    std::string reason;  // file_removed, file_replaced, file_cut, file_truncated, rows_lost, database_restored
    std::string message; // one sentence
    int64_t fromSeq = 0, toSeq = 0; // events that it is about; 0: not known
};

struct AuditConfig
{
    bool enabled = true;
    bool readOnly = false;        // for a command that only looks: events count as written and are dropped, files stay as they are
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
    // Raises the alert of a finding. Must be quick. Thread: audit, storage, or the one that starts the log.
    std::function<void(const AuditFinding &finding)> found;
};

// How far a log's files went when they were last synced.
struct LogPlace
{
    std::string path;
    int64_t firstSeq = 0, lastSeq = 0;
    std::string lastHash;
};

// What the table and its database know of the log when it starts.
struct TableStart
{
    int64_t rowsTo = 0;          // the highest seq up to which the table is whole (or was, before retention); 0: it is empty
    std::string rowsToHash;      // that event's
    int64_t lastChangeSeq = 0;   // of the last event whose change was committed; 0: none was
    int64_t lastStartSeq = 0;    // a system.start behind it was not committed
    std::optional<LogPlace> place; // what was noted last of the log's file; nothing: it never was
    int64_t keepsOldMs = 0;      // see keepsOldForMs(): what is left of it
    int64_t restoredFrom = 0;    // an older copy was put back, and events behind this seq are not settled yet; 0: none was
};

// Where rows go; implemented by storage. Thread-safe.
class AuditTable
{
public:
    virtual ~AuditTable() = default;
    // The log's files, from which the table takes what it lacks when it could not be written for a while (ruling 48). file empty:
    // there is none. newestSeq, newestHash: of the log's last event so far. Before the first append().
    virtual void follow(const std::string &file, const KeyRing *keys, int64_t newestSeq, const std::string &newestHash) = 0;
    // Queues rows for the next commit, in the order of their seq; stored(ok) is called on the storage thread when they, and all
    // rows before them, are committed, or could not be. A row whose commit fails stays queued. Once the storage thread has ended:
    // stored(false) at once.
    virtual void append(std::vector<AuditEvent> rows, std::function<void(bool ok)> stored) = 0;
    // Returns when there is room for more rows; at once when the table takes nothing at the moment, for then the file is the queue.
    // False: it takes nothing, and no more than what waits may wait for it (where there is no file). Thread: audit, without a lock.
    virtual bool waitForRoom() { return true; }
    // As in startOf(); 0 and "" also when it cannot be read. Any thread.
    virtual int64_t rowsTo(std::string *hash) = 0;
    // What the log goes on from. Error Unavailable: it cannot be read, and a guess would give seqs a second time. file: the log's;
    // empty: it has none. Called before the thread starts.
    virtual Result<TableStart> startOf(const std::string &file) = 0;
    // Is stored with the next commit. Any thread.
    virtual void noteLogPlace(LogPlace) {}
    // How long what looks old is still to be kept, for the next start; 0: not at all. Before the storage thread is there it is stored
    // when this returns, afterwards with the next commit. Any thread.
    virtual Outcome noteKeepsOld(int64_t ms) = 0;
    // An older copy of the database was put back: the next start looks at the events behind this seq, too, until a system.start is
    // committed. It is stored when this returns. Called before the thread starts.
    virtual Outcome noteRestored(int64_t fromSeq) = 0;
    // The lines of the rows after a seq, oldest first, until line() returns false. False: they cannot be read. Thread: audit, or the
    // one that starts the log.
    virtual bool linesAfter(int64_t seq, const std::function<bool(const std::string &line)> &line) = 0;
    // Commits succeed at the moment, as far as one was tried. Any thread.
    virtual bool isWorking() const { return true; }
    // Commits something, rows or not; done(whether that went) is called as stored() of append(). Any thread.
    virtual void prove(std::function<void(bool ok)> done) { done(true); }
    // The file's lines end with this seq: rows behind it are nowhere else yet. INT64_MAX: it has all lines. Before the append() of rows
    // to which it matters.
    virtual void fileEndsAt(int64_t) {}
};

class AuditLog
{
public:
    explicit AuditLog(AuditConfig config);
    ~AuditLog(); // stop()
    AuditLog(const AuditLog &) = delete;
    AuditLog &operator=(const AuditLog &) = delete;

    // Opens (creates 0600) the file, repairs a half-written last line, finds the last seq and hash in
    // file and table, restores lines that only the table has, starts the thread. Without storeInDb the table may be null.
    Outcome start(AuditTable *table);
    // Writes and fsyncs everything queued, then ends the thread.
    void stop();
    // True when start() found traces of a crash: half a line, rows or lines that only one of file and table had.
    bool recovered() const;
    // What start() repaired or restored in the file, and a verification of what was there before would have found. Thread: any.
    std::vector<VerifyProblem> foundAtStart() const;

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

    // Blocking, from the storage thread: assigns, appends and fsyncs these events, fills seq, prev and hash, and hands their rows to
    // the table. With AUDIT_ON_ERROR=log and a failing file they count as written and events is emptied: the change goes on, the
    // rows follow by append() on recovery.
    enum class Appended {
        Yes,
        No,        // nothing of them is written
        TakenBack, // they cannot be made durable: written, and notApplied() with them
    };
    Appended appendNow(std::vector<AuditEvent> &events);
    // The transaction of these already appended events failed: queues "result":"error",
    // "reason":"not_applied" with their action and "not_applied_seq".
    void notApplied(const std::vector<AuditEvent> &events);

    bool healthy() const;   // false while the file, or where there is none the table, cannot be written: changes are refused
    // False: neither file nor table takes the event of a request, and the data plane answers 503. While the file fails and the table
    // does not, an event counts as written when its row is committed; the file gets its line when it can be written again. Any thread.
    bool takesRequests() const;
    // The database is older than the file: somebody put a copy back (ruling 64). These changes of the file it does not know, in
    // order; empty: it knows all. After start().
    const std::vector<AuditEvent> &unknownChanges() const;
    bool isDatabaseOlder() const;
    // At start() the clock was more than 48 hours ahead of the newest event, so it may be wrong: for how long rows and files that
    // look old are kept all the same; 0: they may be removed. Goes on at the next start, until it ran for 24 hours. Any thread.
    int64_t keepsOldForMs() const;
    void removeOldFromNow(); // somebody said that they are old
    // Why nothing is written into the file at the moment, in a sentence; empty: nothing is wrong with it. Any thread.
    std::string fileTrouble() const;
    // The same, after a look at the file and not from the last second's. Blocking: waits for the lines being written.
    std::string fileTroubleNow();
    // Puts it on record.
    void report(AuditFinding finding);
    // The message of the newest finding of this run; empty: none, or it was reviewed. Any thread.
    std::string lastFinding() const;
    void setFinding(std::string message); // one whose event was written with a change; empty: reviewed
    void reopen();          // SIGHUP
    int64_t lastSeq() const;
    const AuditConfig &config() const;

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace llmproxy
