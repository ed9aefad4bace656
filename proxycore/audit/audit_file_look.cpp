// SPDX-License-Identifier: GPL-3.0-only
// The log's file in the hands of others (ruling 49). A rotation is followed without a word; what nobody ordered becomes an event, an
// alert and a failed check, and as long as the file's name is that of something else, nothing is written.
#include "audit/audit_log_private.h"

#include "audit/verify.h"
#include "base/log.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace llmproxy {

namespace {

// Whoever truncates the log has a copy of it by then.
constexpr auto copyWait = std::chrono::seconds(60);

// Of the machine, and nobody's deed.
bool isShortage(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EMFILE || error == ENFILE || error == ENOMEM;
}

} // namespace

void AuditLog::Private::lookAtFile()
{
    if (isLooking)
        return;
    isLooking = true;
    const AuditLogFile::Place place = file->place();
    isGone = place == AuditLogFile::Place::Gone;
    switch (place) {
    case AuditLogFile::Place::Same:
        lookAtLength();
        break;
    case AuditLogFile::Place::Renamed:
        moveOn(file->length() == AuditLogFile::Length::Whole);
        break;
    case AuditLogFile::Place::Removed:
        if (file->isContinued(file->recentLines()))
            moveOn(false); // compressed right after it was renamed
        else
            restoreFile();
        break;
    case AuditLogFile::Place::Taken:
        loseFile("file_replaced", "The audit log's file was replaced. Nothing is written to what is there now; move it away.");
        break;
    case AuditLogFile::Place::Gone:
        // Requests that were let in are still recorded in the file that is open.
        setTrouble("The folder of the audit log's file does not exist.");
        setFailing(true);
        break;
    }
    awaitCopy();
    isLooking = false;
}

void AuditLog::Private::lookAtLength()
{
    switch (file->length()) {
    case AuditLogFile::Length::Whole:
        file->setLost(false);
        setTrouble({});
        break;
    case AuditLogFile::Length::Emptied:
        emptiedAt = std::chrono::steady_clock::now();
        emptiedSeq = seq;
        emptiedLines = file->recentLines(); // what follows takes their place
        if (file->beginAgain())
            beginFile();
        else
            waitForRoom(errno);
        break;
    case AuditLogFile::Length::Cut:
        loseFile("file_cut", "The end of the audit log's file was cut off. Nothing more is written to it; move it away.");
        break;
    }
}

void AuditLog::Private::moveOn(bool isOldFileOurs)
{
    if (isOldFileOurs) {
        writeCheckpoint(); // the last line of the old file is signed, and in the new one a line says on what it follows
        file->sync();
    }
    if (!file->moveOn()) {
        const int error = errno;
        if (isShortage(error))
            waitForRoom(error); // until then it goes on in the old one
        else
            loseFile("file_replaced", std::string("A new file cannot be opened for the audit log: ") + std::strerror(error));
        return;
    }
    logInfo("the audit log continues in a new file", {{"file", config.file}});
    setTrouble({});
    fileDay = 0;
    beginFile();
}

void AuditLog::Private::waitForRoom(int error)
{
    setTrouble(std::string("The audit log's file was rotated, and a new one cannot be begun: ") + std::strerror(error) + ".");
}

// With its lines, from the descriptor that is still open; where that fails with the newest.
void AuditLog::Private::restoreFile()
{
    const bool whole = file->restore();
    if (!whole && !file->moveOn()) {
        loseFile("file_removed", std::string("The audit log's file was removed and cannot be made again: ") + std::strerror(errno));
        return;
    }
    sync();
    setTrouble({});
    const auto first = whole ? file->firstSeq() : std::optional<int64_t>();
    report({"file_removed", whole ? "The audit log's file was removed. It was restored from the open file."
                                  : "The audit log's file was removed. Only the events of its last two seconds could be restored.",
            first.value_or(0), seq});
    if (!whole)
        beginFile();
}

// A file that begins with older lines says, signed, on which event they follow, so that it verifies without the files before it.
void AuditLog::Private::beginFile()
{
    const auto first = readChainedLine(file->firstRepeated());
    if (config.checkpointKey && first && first->seq > 1) {
        std::vector<AuditEvent> statement{config.checkpointKey->checkpoint(first->seq - 1, std::string(first->prev))};
        if (writeLocked(statement, false) && config.storeInDb)
            table->append(std::move(statement), nullptr);
    }
    if (seq > 0)
        writeCheckpoint(true);
}

void AuditLog::Private::awaitCopy()
{
    if (emptiedAt == std::chrono::steady_clock::time_point())
        return;
    const bool isCopied = file->isContinued(emptiedLines);
    if (!isCopied && std::chrono::steady_clock::now() - emptiedAt < copyWait)
        return;
    emptiedAt = {};
    emptiedLines.clear();
    if (!isCopied)
        report({"file_truncated", "The audit log's file was truncated, and there is no copy of it in its folder.", 0, emptiedSeq});
}

void AuditLog::Private::loseFile(const char *reason, const std::string &message)
{
    if (!setTrouble(message))
        return;
    file->setLost(true);
    setFailing(true);
    report({reason, message, 0, seq});
}

bool AuditLog::Private::setTrouble(const std::string &message)
{
    {
        const std::lock_guard guard(troubleLock);
        if (std::exchange(trouble, message) == message)
            return false;
    }
    if (!message.empty())
        logError("the audit log's file is not in its place", {{"file", config.file}, {"why", message}});
    return true;
}

void AuditLog::Private::report(AuditFinding found)
{
    AuditEvent event(Action::SystemRecovered, "system", "failure");
    event.detail("reason", found.reason);
    event.detail("message", found.message);
    if (found.fromSeq > 0)
        event.detail("from_seq", found.fromSeq);
    if (found.toSeq > 0)
        event.detail("to_seq", found.toSeq);
    std::vector<Entry> one;
    one.push_back({std::move(event), nullptr});
    enqueue(std::move(one));
    {
        const std::lock_guard guard(troubleLock);
        finding = found.message;
    }
    if (config.found)
        config.found(found);
}

} // namespace llmproxy
