// SPDX-License-Identifier: GPL-3.0-only
// While the log's file fails and the table does not, events are recorded in the table alone, and requests go on (ruling 48). What the
// file lacks is written to it, in order, before anything else is: from the table, and from memory what may not be committed yet.
#include "audit/audit_log_private.h"

#include "audit/verify.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t copyBytes = 1 << 20;
constexpr size_t mostLateBytes = 16 << 20;
// Of each second; meanwhile no event is written.
constexpr auto copyTime = std::chrono::milliseconds(200);

} // namespace

// False: they are not written, and nothing has changed. Rows and their answers are the caller's.
bool AuditLog::Private::writeToTable(std::vector<AuditEvent> &events)
{
    if (!mayTakeOver || !table->isWorking())
        return false;
    std::vector<AuditEvent> first;
    first.swap(kept);
    if (!first.empty()) {
        chainLate(first);
        show(first);
        table->append(std::move(first), nullptr);
    }
    chainLate(events);
    return true;
}

void AuditLog::Private::chainLate(std::vector<AuditEvent> &events)
{
    if (events.empty())
        return;
    if (!isBehind())
        logWarn("events are recorded in the table alone until the audit log's file can be written", {{"file", config.file}});
    lines.clear();
    const int64_t firstLate = seq + 1;
    for (AuditEvent &event : events)
        chainLine(event);
    late.push_back({firstLate, lines});
    lateBytes += lines.size();
    lastSeq = seq;
    table->fileEndsAt(fileSeq);
}

// A disk that is full is often that of both: nobody is let in before the table has shown, since the file failed, that it takes events.
void AuditLog::Private::askTable()
{
    if (!mayTakeOver)
        return;
    table->prove([this, in = outage.load()](bool isGood) {
        if (isGood)
            provenIn = in;
    });
}

// The lines in memory, when the file goes up to them. True: it has all lines.
bool AuditLog::Private::writeLate()
{
    if (!late.empty() && fileSeq < late.front().firstSeq - 1)
        return false;
    while (!late.empty()) {
        if (!file->append(late.front().lines))
            return false;
        unsynced = true;
        lateBytes -= late.front().lines.size();
        late.pop_front();
        fileSeq = late.empty() ? seq : late.front().firstSeq - 1;
    }
    if (isBehind())
        return false;
    table->fileEndsAt(INT64_MAX);
    logInfo("the audit log's file has the events that only the table had", {{"up_to_seq", std::to_string(seq)}});
    return true;
}

// Once a second. True: the file has all lines.
bool AuditLog::Private::catchUpFile()
{
    if (!isBehind())
        return true;
    forgetLate();
    const int64_t fromTable = late.empty() ? seq : late.front().firstSeq - 1;
    const bool isRead = fileSeq >= fromTable || copyFromTable(fromTable, std::chrono::steady_clock::now() + copyTime);
    table->fileEndsAt(fileSeq);
    return isRead && fileSeq >= fromTable && writeLate();
}

// What the table has, when it is more than memory should hold.
void AuditLog::Private::forgetLate()
{
    if (lateBytes <= mostLateBytes)
        return;
    std::string ignored;
    const int64_t rowsTo = table->rowsTo(&ignored);
    while (!late.empty() && (late.size() > 1 ? late[1].firstSeq - 1 : seq) <= rowsTo) {
        lateBytes -= late.front().lines.size();
        late.pop_front();
    }
}

// The lines behind fileSeq, which moves along: it is behind upTo when there was no more time, or the file takes no more. False: they
// cannot be read.
bool AuditLog::Private::copyFromTable(int64_t upTo, std::chrono::steady_clock::time_point until)
{
    std::string text;
    int64_t textTo = fileSeq;
    const auto write = [&] {
        if (text.empty() || !file->append(text))
            return text.empty();
        unsynced = true;
        text.clear();
        fileSeq = textTo;
        return true;
    };
    bool isWritten = true;
    const bool isRead = table->linesAfter(fileSeq, [&](const std::string &line) {
        const auto at = readChainedLine(line);
        const int64_t lineSeq = at ? at->seq : textTo + 1; // what the table has is not judged here
        if (lineSeq > upTo)
            return false;
        text.append(line).append("\n");
        textTo = lineSeq;
        isWritten = text.size() < copyBytes || write();
        return isWritten && textTo < upTo && std::chrono::steady_clock::now() < until;
    });
    if (isWritten)
        write();
    return isRead;
}

bool AuditLog::takesRequests() const
{
    return healthy() || (d->mayTakeOver && d->provenIn == d->outage && d->table->isWorking());
}

} // namespace llmproxy
