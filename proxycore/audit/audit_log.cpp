// SPDX-License-Identifier: GPL-3.0-only
#include "audit/audit_log_private.h"

#include "base/clock.h"
#include "base/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace llmproxy {

namespace {

// Access events are fsynced at most this late; a failing disk is probed this often.
constexpr auto tick = std::chrono::seconds(1);
constexpr int64_t checkpointEvents = 1000;
constexpr auto checkpointAge = std::chrono::minutes(1);
// Events kept while nothing can be written.
constexpr size_t maxKept = 100'000;

void markFailed(AuditEvent &event, const char *reason)
{
    event.result = "error";
    if (event.find("http_method"))
        event.detail("status", int64_t{503});
    event.detail("reason", reason);
}

// A call that is answered when its event is durable is answered with 503 without it. A request happened all the same, and who
// failed to authenticate is told so.
bool failsWithItsEvent(const AuditLog::Entry &entry, const AuditEvent &event)
{
    return entry.written && event.action.kind() != ActionKind::Access && event.action != Action::AuthFailure;
}

} // namespace

void AuditLog::Private::setFailing(bool now)
{
    if (now && !failing)
        ++outage; // before anybody is let in for what was proven in the one before
    mayTakeOver = now && file && config.storeInDb && !isGone && !file->isLost(); // where it was replaced, AUDIT_ON_ERROR decides
    if (failing.exchange(now) == now)
        return;
    if (now) {
        askTable();
        logError("the audit log cannot be written", {{"on_error", config.refuseOnError ? "refuse" : "log"}});
    } else {
        logInfo("the audit log can be written again");
    }
}

bool AuditLog::Private::sync()
{
    syncFailed = !file->sync();
    unsynced = syncFailed;
    if (!syncFailed && table && config.fsync != AuditFsync::Never && !isBehind())
        table->noteLogPlace({config.file, firstSeq, seq, hash});
    return !syncFailed;
}

// Assigns seq, prev and hash, and appends; a failure leaves everything as it was. No line is written before those that are late.
bool AuditLog::Private::writeLocked(std::vector<AuditEvent> &events, bool mayCheckpoint)
{
    if (isBehind())
        return false;
    const int64_t seqBefore = seq;
    const std::string hashBefore = hash;
    lines.clear();
    for (AuditEvent &event : events)
        chainLine(event);
    const bool checkpoint = mayCheckpoint && isCheckpointDue();
    if (checkpoint) {
        events.push_back(config.checkpointKey->checkpoint(seq, hash));
        chainLine(events.back());
    }
    if (file && !file->append(lines)) {
        seq = seqBefore;
        hash = hashBefore;
        if (checkpoint)
            events.pop_back();
        return false;
    }
    if (checkpoint) {
        checkpointSeq = seq;
        if (config.anchor)
            toAnchor.push_back(auditLine(events.back()));
        worthSigning = false;
        checkpointAt = std::chrono::steady_clock::now();
    }
    unsynced = unsynced || file != nullptr;
    lastSeq = fileSeq = seq;
    return true;
}

void AuditLog::Private::chainLine(AuditEvent &event)
{
    if (event.timestampMs == 0)
        event.timestampMs = Clock::wallMs();
    if (config.maskClientIp)
        event.clientIp = maskClientIp(event.clientIp);
    worthSigning = worthSigning || event.action.kind() != ActionKind::Read;
    event.seq = ++seq;
    event.prev = hash;
    event.detailsText = detailsJson(event);
    const size_t begin = lines.size();
    appendHashedBytes(lines, event);
    event.hash = hash = hasher.hash(std::string_view(lines).substr(begin));
    lines.append(",\"hash\":\"").append(event.hash).append("\"}\n");
}

bool AuditLog::Private::isCheckpointDue() const
{
    return config.checkpointKey && seq > checkpointSeq
        && (seq - checkpointSeq >= checkpointEvents || std::chrono::steady_clock::now() - checkpointAt >= checkpointAge);
}

// Now, when there is anything that is not signed yet; in a new file also as its first line, which says on what it follows.
void AuditLog::Private::writeCheckpoint(bool isFirst)
{
    if (!config.checkpointKey || (seq == checkpointSeq && !isFirst))
        return;
    checkpointAt = {};
    checkpointSeq = std::min(checkpointSeq, seq - 1);
    std::vector<AuditEvent> none;
    if (!writeWithKept(none, true) || none.empty())
        return;
    if (file)
        sync();
    if (config.storeInDb)
        table->append(std::move(none), nullptr);
}

bool AuditLog::Private::writeWithKept(std::vector<AuditEvent> &events, bool mayCheckpoint)
{
    if (file && !isLooking && file->isDisturbed())
        lookAtFile();
    if (isBehind() && !writeLate())
        return false;
    if (!kept.empty()) {
        std::vector<AuditEvent> first;
        first.swap(kept);
        if (!writeLocked(first, false)) {
            kept.swap(first);
            return false;
        }
        show(first);
        if (config.storeInDb)
            table->append(std::move(first), nullptr);
    }
    return writeLocked(events, mayCheckpoint);
}

void AuditLog::Private::show(const std::vector<AuditEvent> &events) const
{
    if (config.seen)
        std::for_each(events.begin(), events.end(), config.seen);
}

void AuditLog::Private::keep(const std::vector<AuditEvent> &events)
{
    for (const AuditEvent &event : events) {
        if (config.refuseOnError && event.action == Action::AuditCheckpoint) // that rows may be removed: they are not
            continue;
        AuditEvent &waiting = kept.emplace_back(event);
        waiting.seq = 0;
        if (kept.size() > maxKept) { // its line is lost, what it counts is not
            if (config.seen)
                config.seen(waiting);
            kept.pop_back();
        }
    }
}

// What these say did not happen: the line is written all the same, or it would be missing where it stands already.
void AuditLog::Private::correct(const std::vector<AuditEvent> &events)
{
    std::vector<Entry> corrections;
    for (const AuditEvent &event : events) {
        AuditEvent correction(event.action, event.actor, "error");
        correction.projectId = event.projectId;
        correction.requestId = event.requestId;
        correction.clientIp = event.clientIp;
        for (const char *key : {"http_method", "endpoint", "user_agent"}) {
            if (const auto *same = event.find(key))
                correction.details.emplace_back(key, *same);
        }
        markFailed(correction, "not_applied");
        correction.detail("not_applied_seq", event.seq);
        corrections.push_back({std::move(correction), nullptr});
    }
    enqueue(std::move(corrections));
}

void AuditLog::Private::enqueue(std::vector<Entry> entries)
{
    bool first = false;
    {
        const std::lock_guard guard(queueLock);
        first = queue.empty();
        if (first)
            queue.swap(entries);
        else
            std::move(entries.begin(), entries.end(), std::back_inserter(queue));
    }
    if (first)
        wake.notify_one();
}

std::vector<AuditEvent> AuditLog::Private::eventsOf(std::vector<Entry> &entries) const
{
    std::vector<AuditEvent> events;
    events.reserve(entries.size() + 1); // a checkpoint may follow
    for (Entry &entry : entries) {
        events.push_back(entry.outcome ? config.eventOf(*entry.outcome) : std::move(entry.event));
        if (entry.outcome)
            events.back().outcome = std::move(entry.outcome);
    }
    return events;
}

bool AuditLog::Private::mustSync(const std::vector<Entry> &entries, const std::vector<AuditEvent> &events) const
{
    if (!file || config.fsync == AuditFsync::Never)
        return false;
    bool isWaitedForByPerson = false;
    for (size_t at = 0; at < entries.size(); ++at) {
        const std::string &actor = events[at].actor;
        isWaitedForByPerson = isWaitedForByPerson || (entries[at].written && (actor == "management" || actor == "console" || actor == "cli"));
    }
    return config.fsync == AuditFsync::Always || isWaitedForByPerson;
}

// The calls that are answered with 503 without their event. doubtful: those whose lines or rows may stand.
std::vector<AuditLog::Written> AuditLog::Private::refuseCalls(std::vector<Entry> &entries, std::vector<AuditEvent> &events, bool appended,
                                                              std::vector<AuditEvent> &doubtful) const
{
    std::vector<Written> refused;
    for (size_t at = 0; at < entries.size(); ++at) {
        if (!failsWithItsEvent(entries[at], events[at]))
            continue;
        if (appended)
            doubtful.push_back(events[at]);
        else
            markFailed(events[at], "service_unavailable");
        if (file) // else it waits for its row
            refused.push_back(std::exchange(entries[at].written, nullptr));
    }
    return refused;
}

// The row is all there is: who waits is answered when it is committed. doubtful: of calls that fail when it is not.
void AuditLog::Private::answerLater(std::vector<Entry> entries, std::vector<AuditEvent> events, std::vector<AuditEvent> doubtful)
{
    table->append(std::move(events), [this, entries = std::move(entries), doubtful = std::move(doubtful), in = outage.load()](bool stored) {
        if (!file)
            setFailing(!stored);
        else if (stored)
            provenIn = in;
        if (!stored)
            correct(doubtful);
        for (const Entry &entry : entries) {
            if (entry.written)
                entry.written(stored || !config.refuseOnError);
        }
    });
}

void AuditLog::Private::handBatch(std::vector<Entry> entries)
{
    const bool hasRoom = !config.storeInDb || table->waitForRoom();
    std::vector<AuditEvent> events = eventsOf(entries); // in their order, then a checkpoint when one is due
    std::vector<Written> refused;
    bool good = false;
    // The rows are handed over under the lock that gave them their seq: a change that takes the next one finds them
    // waiting, and no later row is in the table without them.
    {
        const std::lock_guard guard(fileLock);
        if (std::any_of(entries.begin(), entries.end(), [](const Entry &entry) { return entry.sign; }))
            checkpointAt = {}; // due
        bool appended = (hasRoom || file) && writeWithKept(events, true);
        good = appended && (!mustSync(entries, events) || sync());
        setFailing(!appended || !isFileWell());
        std::vector<AuditEvent> doubtful;
        if (config.refuseOnError && !(good && file))
            refused = refuseCalls(entries, events, appended, doubtful);
        if (!good)
            correct(std::exchange(doubtful, {}));
        bool isRowAll = !file || (appended && !good && mayTakeOver && table->isWorking());
        if (!appended && hasRoom && writeToTable(events))
            appended = isRowAll = true;
        if (!appended)
            keep(events);
        else
            show(events);
        if (appended && isRowAll)
            answerLater(std::move(entries), std::move(events), std::move(doubtful));
        else if (appended && config.storeInDb)
            table->append(std::move(events), nullptr);
    }
    for (const Written &written : refused)
        written(false);
    for (const Entry &entry : entries) {
        if (entry.written)
            entry.written(good || !config.refuseOnError);
    }
}

void AuditLog::Private::rotateIfDue()
{
    const int64_t today = Clock::wallMs() / dayMs;
    if (!packer || file->isEmpty() || file->isLost() || isBehind())
        return; // what stands under its name may be somebody else's
    if (fileDay == 0)
        fileDay = today;
    if (file->size() < config.maxFileBytes && today <= fileDay)
        return;
    writeCheckpoint(); // the last line of the old file is signed, and the first of the new one says on what it follows
    const std::string name = rotatedName(config.file, Clock::wallMs(), seq);
    fileDay = today; // when it fails, tomorrow or a size further on is soon enough to say so again
    if (!file->sync() || !file->rotate(name)) {
        logError("the audit log cannot be rotated; it goes on in the same file", {{"file", name}, {"error", std::strerror(errno)}});
        return;
    }
    writeCheckpoint(true);
    packer->look();
}

// What is anchored must be found again after a power cut, or the log would look cut.
void AuditLog::Private::anchorDurable()
{
    if (toAnchor.empty() || failing || (file && unsynced && config.fsync != AuditFsync::Never))
        return;
    std::vector<std::string> durable;
    durable.swap(toAnchor);
    const auto anchorAll = [anchor = config.anchor, durable = std::move(durable)](bool stored) {
        for (const std::string &line : durable) {
            if (stored)
                anchor(line);
        }
    };
    if (file)
        anchorAll(true);
    else
        table->append({}, anchorAll); // told when all rows before are committed
}

// Nothing is called well that was not written and, where that is asked for, synced.
void AuditLog::Private::recover()
{
    const bool isSynced = config.fsync != AuditFsync::Never;
    if (isSynced && (unsynced || syncFailed) && !sync())
        return;
    file->renewReserve();
    if (!catchUpFile())
        return;
    if (kept.empty() && config.checkpointKey) { // then a checkpoint shows whether it can be
        checkpointAt = {};
        checkpointSeq = std::min(checkpointSeq, seq - 1);
    }
    std::vector<AuditEvent> none;
    const bool good = writeWithKept(none, true);
    if (good && !none.empty() && config.storeInDb)
        table->append(std::move(none), nullptr);
    setFailing(!good || (isSynced && !sync()) || !isFileWell());
}

void AuditLog::Private::everySecond()
{
    const std::lock_guard guard(fileLock);
    if (file)
        lookAtFile();
    if (failing && file && !isGone) { // else each second would leave a checkpoint in a file that nobody finds
        recover();
        if (failing && provenIn != outage && table->isWorking())
            askTable();
        std::vector<AuditEvent> none;
        if (failing && !kept.empty())
            writeToTable(none);
    } else if (isCheckpointDue()) {
        writeCheckpoint();
    }
    if (file)
        file->forgetOld();
    else if (failing && config.storeInDb)
        table->append({}, [this](bool stored) { setFailing(!stored); }); // nobody else may ask for a while
    rotateIfDue();
    noteClock();
    if (unsynced && file && config.fsync != AuditFsync::Never && !sync())
        setFailing(true);
    anchorDurable();
}

void AuditLog::Private::run()
{
    auto nextTick = std::chrono::steady_clock::now() + tick;
    while (true) {
        std::vector<Entry> batch;
        bool ending = false;
        {
            std::unique_lock guard(queueLock);
            wake.wait_until(guard, nextTick, [this] { return stopping || !queue.empty(); });
            batch.swap(queue);
            ending = stopping;
        }
        if (!batch.empty())
            handBatch(std::move(batch));
        if (std::chrono::steady_clock::now() >= nextTick || ending) {
            everySecond();
            nextTick = std::chrono::steady_clock::now() + tick;
        }
        if (ending) {
            {
                const std::lock_guard guard(queueLock);
                if (!queue.empty())
                    continue;
            }
            const std::lock_guard guard(fileLock);
            if (worthSigning) // a command that only reads the log need not grow it by two lines
                writeCheckpoint();
            anchorDurable();
            show(kept); // their lines are lost, what they count is not
            return;
        }
    }
}

AuditLog::AuditLog(AuditConfig config) : d(std::make_unique<Private>())
{
    d->config = std::move(config);
}

AuditLog::~AuditLog()
{
    stop();
}

bool AuditLog::recovered() const
{
    return d->recovered;
}

const std::vector<AuditEvent> &AuditLog::unknownChanges() const
{
    return d->unknownChanges;
}

bool AuditLog::isDatabaseOlder() const
{
    return d->isDatabaseOlder;
}

int64_t AuditLog::keepsOldForMs() const
{
    return std::max<int64_t>(d->keepsOldUntilMs - Clock::steadyMs(), 0);
}

void AuditLog::removeOldFromNow()
{
    d->keepsOldUntilMs = 0;
}

void AuditLog::stop()
{
    if (!d->thread.joinable())
        return;
    {
        const std::lock_guard guard(d->queueLock);
        d->stopping = true;
    }
    d->wake.notify_one();
    d->thread.join();
    d->packer.reset();
}

void AuditLog::record(AuditEvent event, Written written)
{
    if (!d->records()) {
        if (written)
            written(true);
        return;
    }
    std::vector<Entry> one;
    one.push_back({std::move(event), std::move(written)});
    d->enqueue(std::move(one));
}

void AuditLog::recordAll(std::vector<Entry> entries)
{
    if (!d->records()) {
        for (const Entry &entry : entries) {
            if (entry.written)
                entry.written(true);
        }
        return;
    }
    d->enqueue(std::move(entries));
}

AuditLog::Appended AuditLog::appendNow(std::vector<AuditEvent> &events)
{
    if (!d->records())
        return Appended::Yes;
    const std::lock_guard guard(d->fileLock);
    if (d->isGone && d->config.refuseOnError)
        return Appended::No;
    const bool appended = d->writeWithKept(events, false); // a change has its own lines and no other
    bool good = appended;
    if (appended && d->file && d->config.fsync != AuditFsync::Never)
        good = d->sync();
    d->setFailing(!good || !d->isFileWell());
    const bool isStart = std::all_of(events.begin(), events.end(), [](const AuditEvent &event) { return event.action == Action::SystemStart; });
    const bool isInTable = !appended && isStart && d->writeToTable(events); // requests will follow it there
    if ((appended || isInTable) && d->config.storeInDb)
        d->table->append(events, nullptr); // behind those with a lower seq; the caller takes them into its transaction
    if (good || isInTable)
        return Appended::Yes;
    if (d->config.refuseOnError) {
        if (!appended)
            return Appended::No;
        notApplied(events); // the lines stand, their change will not
        return Appended::TakenBack;
    }
    if (!appended) { // the change goes on, its events follow on recovery
        for (AuditEvent &event : events)
            event.detail("late", true);
        d->keep(events);
        events.clear();
    }
    return Appended::Yes;
}

void AuditLog::notApplied(const std::vector<AuditEvent> &events)
{
    d->correct(events);
}

bool AuditLog::healthy() const
{
    return !d->failing || !d->config.refuseOnError;
}

void AuditLog::reopen()
{
    const std::lock_guard guard(d->fileLock);
    if (!d->file)
        return;
    d->lookAtFile();
    const bool isWell = d->file->place() == AuditLogFile::Place::Same && d->file->length() == AuditLogFile::Length::Whole && !d->file->isTorn();
    if (isWell && !d->file->reopen())
        d->setFailing(true);
}

std::string AuditLog::fileTrouble() const
{
    const std::lock_guard guard(d->troubleLock);
    return d->trouble;
}

std::string AuditLog::fileTroubleNow()
{
    const std::lock_guard guard(d->fileLock);
    if (d->file)
        d->lookAtFile();
    return fileTrouble();
}

std::string AuditLog::lastFinding() const
{
    const std::lock_guard guard(d->troubleLock);
    return d->finding;
}

void AuditLog::setFinding(std::string message)
{
    const std::lock_guard guard(d->troubleLock);
    d->finding = std::move(message);
}

void AuditLog::report(AuditFinding finding)
{
    d->report(std::move(finding));
}

int64_t AuditLog::lastSeq() const
{
    return d->lastSeq;
}

const AuditConfig &AuditLog::config() const
{
    return d->config;
}

} // namespace llmproxy
