// SPDX-License-Identifier: GPL-3.0-only
// What AuditLog is made of; for its own source files.
#pragma once

#include "audit/audit_log.h"
#include "audit/log_file.h"
#include "audit/rotation.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/sha256.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace llmproxy {

struct AuditLog::Private
{
    AuditConfig config;
    AuditTable *table = nullptr;
    std::unique_ptr<AuditLogFile> file;
    std::thread thread;

    std::mutex fileLock; // seq, hash and the file: one writer at a time, so that lines are in seq order
    int64_t seq = 0;
    std::string hash{firstPrev};
    Sha256Hex hasher;
    std::string lines; // of the batch being written; keeps its memory
    bool unsynced = false;
    bool syncFailed = false; // until one succeeds: what was written since may be lost
    std::vector<AuditEvent> kept; // could not be written; first on recovery
    int64_t fileSeq = INT64_MAX; // the file's newest: behind seq while the table alone takes events
    struct Late
    {
        int64_t firstSeq = 0;
        std::string lines;
    };
    std::deque<Late> late; // lines that wait for the file, in memory; older ones are in the table
    size_t lateBytes = 0;
    std::atomic<bool> mayTakeOver{false};        // the table, while the file fails
    std::atomic<uint64_t> outage{0};             // the number of the file's, of which
    std::atomic<uint64_t> provenIn{0};           // the table has committed something in this one; 0: in none

    std::mutex queueLock;
    std::condition_variable wake;
    std::vector<Entry> queue;
    bool stopping = false;
    std::atomic<bool> failing{false};
    std::atomic<int64_t> lastSeq{0};
    int64_t checkpointSeq = 0; // the newest checkpoint's own seq
    std::vector<std::string> toAnchor; // lines of checkpoints that may not be durable yet
    bool worthSigning = false; // since then something else was done than looking
    std::chrono::steady_clock::time_point checkpointAt;
    bool recovered = false;
    std::vector<VerifyProblem> foundAtStart; // does not change after start()
    std::atomic<int64_t> firstSeq{0}; // in the files
    std::vector<AuditEvent> unknownChanges;
    bool isDatabaseOlder = false;
    std::atomic<int64_t> keepsOldUntilMs{0}; // steady clock
    int64_t keepsOldNotedMs = 0; // what the table knows of the time that is left
    int64_t fileDay = 0; // of the file's first event, days since 1970 in UTC
    bool isLooking = false; // at the file
    bool isGone = false;    // its folder is
    std::chrono::steady_clock::time_point emptiedAt; // the epoch: it was not, or its copy is there
    int64_t emptiedSeq = 0;
    std::string emptiedLines;
    mutable std::mutex troubleLock;
    std::string trouble; // see fileTrouble()
    std::string finding; // see lastFinding()
    std::unique_ptr<LogPacker> packer;

    void reportFound(const char *kind, AuditFinding found);
    void noteFoundAtStart(int64_t lastSeqOfFile, int64_t had, const std::optional<LogPlace> &place);
    bool writeLocked(std::vector<AuditEvent> &events, bool mayCheckpoint);
    void chainLine(AuditEvent &event);
    bool isCheckpointDue() const;
    void writeCheckpoint(bool isFirst = false);
    bool records() const { return config.enabled && !config.readOnly; }
    void beginReading();
    Outcome openFile(const TableStart &known, int64_t *newestMs);
    int64_t knownTo(const TableStart &known, int64_t lastSeqOfFile) const;
    void continueFrom(const std::optional<AuditEvent> &last, const std::optional<LogPlace> &place);
    void checkPlace(const LogPlace &place, const std::optional<AuditEvent> &last);
    Outcome judgeClock(int64_t newestMs, int64_t storedMs);
    void noteClock();
    Outcome readNewestRow(int64_t *newestMs) const;
    void beginRotation();
    int64_t packableTo() const;
    bool appendFromTable(int64_t after);
    void rotateIfDue();
    // The file as others left it; under fileLock. See audit_file_look.cpp.
    void lookAtFile();
    void lookAtLength();
    void moveOn(bool isOldFileOurs);
    void waitForRoom(int error);
    void restoreFile();
    void beginFile();
    void loseFile(const char *reason, const std::string &message);
    bool setTrouble(const std::string &message); // false: it was known
    void awaitCopy();
    void report(AuditFinding finding);
    void anchorDurable();
    bool writeWithKept(std::vector<AuditEvent> &events, bool mayCheckpoint);
    void handBatch(std::vector<Entry> entries);
    void keep(const std::vector<AuditEvent> &events);
    std::vector<AuditEvent> eventsOf(std::vector<Entry> &entries) const;
    bool mustSync(const std::vector<Entry> &entries, const std::vector<AuditEvent> &events) const;
    std::vector<Written> refuseCalls(std::vector<Entry> &entries, std::vector<AuditEvent> &events, bool appended, std::vector<AuditEvent> &doubtful) const;
    void answerLater(std::vector<Entry> entries, std::vector<AuditEvent> events, std::vector<AuditEvent> doubtful);
    // Queues the line that says of each of these that it was not applied.
    void correct(const std::vector<AuditEvent> &events);
    void enqueue(std::vector<Entry> entries);
    void show(const std::vector<AuditEvent> &events) const;
    void run();
    void everySecond();
    void setFailing(bool now);
    bool sync();
    bool isFileWell() const { return !syncFailed && !isGone && (!file || file->hasReserve()); }
    void recover();
    // See audit_late.cpp.
    bool isBehind() const { return file && fileSeq < seq; }
    bool writeToTable(std::vector<AuditEvent> &events);
    void chainLate(std::vector<AuditEvent> &events);
    void askTable();
    bool writeLate();
    bool catchUpFile();
    bool copyFromTable(int64_t upTo, std::chrono::steady_clock::time_point until);
    void forgetLate();
};

} // namespace llmproxy
