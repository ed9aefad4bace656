// SPDX-License-Identifier: GPL-3.0-only
// What a start makes of what the last end left: half a line, rows without lines, lines without rows, changes that never were.
#include "audit/audit_log_private.h"

#include "audit/log_set.h"
#include "audit/log_stream.h"
#include "audit/verify.h"
#include "base/log.h"
#include "base/threads.h"

#include <algorithm>
#include <csignal>
#include <set>

namespace llmproxy {

namespace {

// A change's commit lags by a tenth of a second: without rows, one that was not committed is among the last of so many lines.
constexpr int64_t mostAfterChange = 10'000;
constexpr int64_t clockAheadMs = 48 * hourMs, keepsOldMs = 24 * hourMs;
// An end in between costs this much of the 24 hours.
constexpr int64_t clockNoteMs = 60'000;

// Written by appendNow(), inside the transaction of what it tells.
bool isChange(const AuditEvent &event)
{
    return event.result == "success" && event.action.kind() == ActionKind::Change;
}

// The events that the last end may have left half done, or that the database has never heard of.
class Tail
{
public:
    Tail(int64_t lastChangeSeq, int64_t lastStartSeq) : m_lastChangeSeq(lastChangeSeq), m_lastStartSeq(lastStartSeq) {}

    void add(AuditEvent event)
    {
        m_hasEvents = true;
        if (const AuditEvent::Detail *seq = event.find("not_applied_seq"); seq && std::holds_alternative<int64_t>(*seq))
            m_corrected.insert(std::get<int64_t>(*seq));
        const bool isLate = event.find("late") != nullptr, isCorrection = event.find("not_applied_seq") != nullptr;
        if (event.action == Action::SystemStart && event.result == "success" && event.seq > m_lastStartSeq && !isLate)
            m_starts.push_back(event.seq);
        else if (event.action.kind() != ActionKind::System && !isCorrection)
            m_lastWorkSeq = event.seq;
        if (event.seq > m_lastChangeSeq && isChange(event))
            m_changes.push_back(std::move(event));
    }
    bool hasEvents() const { return m_hasEvents; }

    // A start commits its event before it serves anybody: one that the database does not know, and that served, means that an older
    // copy of the database was put back.
    bool isDatabaseOlder() const
    {
        return std::any_of(m_starts.begin(), m_starts.end(), [this](int64_t seq) { return !m_corrected.contains(seq) && seq < m_lastWorkSeq; });
    }

    // A change is committed together with its event's seq: one with a higher seq never was. Two kinds are not meant: one
    // whose correction stands in the file already, and one that went on before its line could be written.
    std::vector<AuditEvent> takeChanges()
    {
        const bool isOlder = isDatabaseOlder();
        std::erase_if(m_changes, [this, isOlder](const AuditEvent &event) { return m_corrected.contains(event.seq) || (!isOlder && event.find("late")); });
        return std::move(m_changes);
    }

private:
    const int64_t m_lastChangeSeq, m_lastStartSeq;
    int64_t m_lastWorkSeq = 0;
    std::vector<int64_t> m_starts;
    std::set<int64_t> m_corrected;
    std::vector<AuditEvent> m_changes;
    bool m_hasEvents = false;
};

} // namespace

Outcome AuditLog::start(AuditTable *table)
{
    d->table = table;
    if (!d->config.enabled)
        return {};
    std::signal(SIGXFSZ, SIG_IGN); // a file size limit is an error to handle, not an end
    auto known = table ? table->startOf(d->config.file) : Result<TableStart>(TableStart{0, {}, INT64_MAX, INT64_MAX, {}, 0});
    if (!known)
        return known.error();
    d->seq = known->rowsTo;
    d->hash = d->seq > 0 ? known->rowsToHash : std::string(firstPrev);
    if (d->config.readOnly) {
        d->beginReading();
        return {};
    }
    int64_t newestMs = 0;
    if (Outcome failure = d->config.file.empty() ? d->readNewestRow(&newestMs) : d->openFile(*known, &newestMs))
        return failure;
    if (Outcome failure = d->judgeClock(newestMs, known->keepsOldMs))
        return failure;
    d->lastSeq = d->seq;
    d->fileSeq = std::min(d->fileSeq, d->seq);
    if (d->config.storeInDb)
        table->follow(d->config.file, d->config.keys, d->seq, d->hash);
    if (d->isBehind()) {
        table->fileEndsAt(d->fileSeq);
        d->setFailing(true);
    }
    d->checkpointAt = std::chrono::steady_clock::now();
    if (d->file && d->file->isEmpty() && d->seq > 0)
        d->writeCheckpoint(true);
    if (d->file && d->config.maxFileBytes > 0)
        d->beginRotation();
    d->thread = makeThread("audit", [this] { d->run(); });
    return {};
}

std::vector<VerifyProblem> AuditLog::foundAtStart() const
{
    return d->foundAtStart;
}

// Nothing is repaired, restored or reported; the table, a copy, takes what the file alone has.
void AuditLog::Private::beginReading()
{
    std::optional<LogProblem> unread;
    const auto last = config.file.empty() ? std::nullopt : newestEvent(config.file, config.keys, &unread);
    if (unread)
        logWarn("a file of the audit log cannot be read", {{"file", unread->file}, {"why", unread->why}});
    if (last && last->seq > seq) {
        seq = last->seq;
        hash = last->hash;
    }
    lastSeq = fileSeq = seq;
    if (config.storeInDb)
        table->follow(config.file, config.keys, seq, hash);
}

void AuditLog::Private::beginRotation()
{
    visitLines(config.file, [this](std::string_view line) {
        const auto first = parseAuditLine(line);
        fileDay = first ? first->timestampMs / dayMs : 0;
        return false;
    });
    LogPacker::Rules rules{config.file, config.fileMode, config.fileRetentionMs, config.encryptRotated ? config.keys : nullptr, {}, {}, {}};
    rules.wholeTo = [this] { return packableTo(); };
    rules.mayRemove = [this] { return keepsOldUntilMs <= Clock::steadyMs(); };
    rules.removed = [this](int64_t seqOfLast) { firstSeq = seqOfLast + 1; };
    packer = std::make_unique<LogPacker>(std::move(rules));
}

// Where lines stand that the table lacks, nothing is packed or removed.
int64_t AuditLog::Private::packableTo() const
{
    std::string ignored;
    return config.storeInDb ? table->rowsTo(&ignored) : INT64_MAX;
}

// The file, and from it where the chain goes on; what the table alone has is written into it.
Outcome AuditLog::Private::openFile(const TableStart &known, int64_t *newestMs)
{
    file = std::make_unique<AuditLogFile>(config.file, config.fileMode);
    if (Outcome failure = file->open(config.createDir))
        return failure;
    const LogSet set = logSet(config.file, config.keys);
    for (const LogProblem &one : set.unreadable)
        logWarn("a file of the audit log cannot be read", {{"file", one.file}, {"why", one.why}});
    firstSeq = set.files.empty() ? seq + 1 : set.files.front().firstSeq;
    std::optional<LogProblem> unread;
    const auto last = newestEvent(config.file, config.keys, &unread);
    if (unread)
        return Error{ErrorKind::Unavailable, "audit_file", "It is not known with which event the audit log goes on: " + unread->text(), "AUDIT_LOG_FILE"};
    *newestMs = last ? last->timestampMs : 0;
    Tail tail(known.lastChangeSeq, known.lastStartSeq);
    LogStream stream(config.file, config.keys, knownTo(known, last ? last->seq : 0));
    while (auto event = stream.nextReadable())
        tail.add(std::move(*event));
    // What the file has and should have; nothing is missing in one that is only new, or was rotated away.
    const int64_t had = last ? last->seq : file->wasRepaired() ? 0 : seq;
    std::vector<AuditEvent> changes = tail.takeChanges();
    recovered = file->wasRepaired() || (config.storeInDb && tail.hasEvents()) || !changes.empty() || (config.storeInDb && had < seq);
    fileSeq = INT64_MAX; // it has all
    noteFoundAtStart(last ? last->seq : 0, had, known.place);
    if (config.storeInDb && had < seq && !appendFromTable(had))
        return Error{ErrorKind::Unavailable, "audit_file", "The audit log's file lacks events that the table has, and they cannot be read from it.", "AUDIT_LOG_FILE"};
    continueFrom(last, known.place);
    isDatabaseOlder = tail.isDatabaseOlder();
    if (!isDatabaseOlder) {
        correct(changes);
        return {};
    }
    unknownChanges = std::move(changes);
    // The table takes the lines before their changes are made: without this, an end in between would leave nothing to know it by.
    const int64_t from = known.restoredFrom > 0 ? known.restoredFrom : std::min({known.rowsTo, known.lastChangeSeq, known.lastStartSeq});
    return table ? table->noteRestored(std::max<int64_t>(from, 1)) : Outcome();
}

// A verification by the command that made this start says it: what was there before is what it was asked about.
void AuditLog::Private::noteFoundAtStart(int64_t lastSeqOfFile, int64_t had, const std::optional<LogPlace> &place)
{
    if (file->wasRepaired())
        foundAtStart.push_back({lastSeqOfFile + 1, "cut", file->repair(), 0});
    if (had >= seq)
        return;
    const std::string found = (had > 0 ? "The audit log's file ended with event " + std::to_string(had) : "The audit log's file contained no event") + ". It lacked events " + std::to_string(had + 1) + " to " + std::to_string(seq);
    foundAtStart.push_back({had + 1, "cut", found + (config.storeInDb ? ", which the table has." : "."), seq});
    if (!config.storeInDb && (!place || place->lastSeq <= lastSeqOfFile)) // else checkPlace() reports it
        report({"file_cut", found + ".", had + 1, seq});
}

// Without rows: not the whole log at each start, but all that came after what the database knows of the file.
int64_t AuditLog::Private::knownTo(const TableStart &known, int64_t lastSeqOfFile) const
{
    if (known.restoredFrom > 0)
        return known.restoredFrom;
    if (config.storeInDb)
        return seq;
    const int64_t knownOfFile = known.place ? std::min(known.place->lastSeq, lastSeqOfFile) : 0;
    return std::max(table ? known.lastChangeSeq : lastSeqOfFile - mostAfterChange, knownOfFile - mostAfterChange);
}

void AuditLog::Private::continueFrom(const std::optional<AuditEvent> &last, const std::optional<LogPlace> &place)
{
    if (last && (last->seq > seq || (last->seq == seq && !isHash(hash)))) {
        seq = last->seq;
        hash = last->hash;
    }
    if (!isHash(hash)) // a line without one could not be read at all
        hash = firstPrev;
    if (last && last->seq == seq && last->action == Action::AuditCheckpoint)
        checkpointSeq = seq;
    if (place)
        checkPlace(*place, last);
}

// The file was that long once, and synced.
void AuditLog::Private::checkPlace(const LogPlace &place, const std::optional<AuditEvent> &last)
{
    if (firstSeq > place.firstSeq && place.firstSeq > 0)
        logWarn("the audit log begins later than it did; older files are gone", {{"first_seq", std::to_string(firstSeq.load())}, {"before", std::to_string(place.firstSeq)}});
    const int64_t lastSeqOfFile = last ? last->seq : 0;
    LogStream stream(config.file, config.keys, place.lastSeq - 1);
    const auto there = lastSeqOfFile >= place.lastSeq ? stream.next() : std::nullopt;
    if (there && there->seq == place.lastSeq && there->hash == place.lastHash)
        return;
    if (place.lastSeq > seq) { // its seq is not given twice
        seq = place.lastSeq;
        hash = place.lastHash;
    }
    const std::string unread = stream.problem() ? " " + stream.problem()->text() : stream.unreadable().empty() ? std::string() : " " + stream.unreadable().front().text();
    const std::string ends = "It went up to event " + std::to_string(place.lastSeq) + "." + unread;
    if (lastSeqOfFile >= place.lastSeq && firstSeq > place.lastSeq)
        return; // older files are gone, and that one with them
    if (stream.problem() && lastSeqOfFile >= place.lastSeq)
        reportFound("changed", {"file_replaced", "It cannot be told whether event " + std::to_string(place.lastSeq) + " of the audit log's files is the one that was written." + unread,
                    place.lastSeq, place.lastSeq});
    else if (lastSeqOfFile < place.lastSeq)
        reportFound("cut", {"file_cut", (last ? "The audit log's files end with event " + std::to_string(lastSeqOfFile) + ". " : "The audit log's files are gone. ") + ends,
                    lastSeqOfFile + 1, place.lastSeq});
    else
        reportFound("changed", {"file_replaced", "Event " + std::to_string(place.lastSeq) + " of the audit log's files is another one than was written.", place.lastSeq, place.lastSeq});
}

void AuditLog::Private::reportFound(const char *kind, AuditFinding found)
{
    foundAtStart.push_back({found.fromSeq, kind, found.message, found.toSeq});
    report(std::move(found));
}

// A clock that is years ahead makes every event look old enough to be removed. The next start finds events that this one wrote with
// that clock, so the doubt is stored before anything is written, and stays until its time is over.
Outcome AuditLog::Private::judgeClock(int64_t newestMs, int64_t storedMs)
{
    const bool isAhead = newestMs > 0 && Clock::wallMs() - newestMs > clockAheadMs;
    keepsOldNotedMs = isAhead ? keepsOldMs : storedMs;
    if (keepsOldNotedMs <= 0)
        return {};
    keepsOldUntilMs = Clock::steadyMs() + keepsOldNotedMs;
    logWarn(isAhead ? "the clock is more than 48 hours ahead of the newest audit event; nothing old is removed for 24 hours, or until 'llm-proxy audit cleanup'"
                    : "at an earlier start the clock was more than 48 hours ahead of the newest audit event; nothing old is removed before the rest of 24 hours, or 'llm-proxy audit cleanup'",
            {{"newest_event", rfc3339(newestMs)}, {"minutes_left", std::to_string(keepsOldNotedMs / clockNoteMs)}});
    return table ? table->noteKeepsOld(keepsOldNotedMs) : Outcome();
}

// Only the time that it runs counts.
void AuditLog::Private::noteClock()
{
    if (keepsOldNotedMs <= 0 || !table)
        return;
    const int64_t leftMs = std::max<int64_t>(keepsOldUntilMs - Clock::steadyMs(), 0);
    if (leftMs > 0 && leftMs > keepsOldNotedMs - clockNoteMs)
        return;
    if (!table->noteKeepsOld(leftMs))
        keepsOldNotedMs = leftMs;
}

Outcome AuditLog::Private::readNewestRow(int64_t *newestMs) const
{
    if (seq == 0)
        return {};
    const bool read = table->linesAfter(seq - 1, [newestMs](const std::string &line) {
        const auto event = parseAuditLine(line);
        *newestMs = event ? event->timestampMs : *newestMs;
        return true;
    });
    if (read)
        return {};
    return Error{ErrorKind::Unavailable, "storage", "The newest row of the audit table cannot be read. The application log says why.", "DATABASE_PATH"};
}

// The power went before the file was synced, but not before the rows were; or it could not be written, and cannot yet: then the rest
// follows when it can. False: they cannot be read.
bool AuditLog::Private::appendFromTable(int64_t after)
{
    logInfo("lines of the audit log are restored from the table", {{"after_seq", std::to_string(after)}});
    fileSeq = after;
    const bool isRead = copyFromTable(seq, std::chrono::steady_clock::time_point::max());
    if (fileSeq == seq)
        fileSeq = INT64_MAX;
    unsynced = !file->sync();
    return isRead;
}

} // namespace llmproxy
