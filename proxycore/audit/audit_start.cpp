// SPDX-License-Identifier: GPL-3.0-only
// What a start makes of what the last end left: half a line, rows without lines, lines without rows, changes that never were.
#include "audit/audit_log_private.h"

#include "audit/log_set.h"
#include "base/log.h"

#include <algorithm>
#include <csignal>
#include <set>

namespace llmproxy {

namespace {

constexpr size_t restoreBytes = 1 << 20;
// Rows lag by a tenth of a second, a change's commit by less: more than this has not happened meanwhile.
constexpr size_t mostReplayed = 1'000'000;
constexpr int64_t mostAfterChange = 10'000;

// Written by appendNow(), inside the transaction of what it tells.
bool isChange(const AuditEvent &event)
{
    return event.result == "success" && event.action.kind() == ActionKind::Change;
}

// A change is committed together with its event's seq: one with a higher seq never was. Two kinds are not meant: one
// whose correction stands in the file already, and one that went on before its line could be written.
std::vector<AuditEvent> lostChanges(const std::vector<AuditEvent> &missing, int64_t lastChangeSeq)
{
    std::set<int64_t> corrected;
    for (const AuditEvent &event : missing) {
        if (const AuditEvent::Detail *seq = event.find("not_applied_seq"); seq && std::holds_alternative<int64_t>(*seq))
            corrected.insert(std::get<int64_t>(*seq));
    }
    std::vector<AuditEvent> lost;
    std::copy_if(missing.begin(), missing.end(), std::back_inserter(lost), [&](const AuditEvent &event) {
        return event.seq > lastChangeSeq && isChange(event) && !corrected.contains(event.seq) && !event.find("late");
    });
    return lost;
}

} // namespace

Outcome AuditLog::start(AuditTable *table)
{
    d->table = table;
    if (!d->config.enabled)
        return {};
    std::signal(SIGXFSZ, SIG_IGN); // a file size limit is an error to handle, not an end
    d->seq = table ? table->lastSeq(&d->hash) : 0;
    if (d->seq == 0)
        d->hash = firstPrev;
    if (!d->config.file.empty()) {
        d->file = std::make_unique<AuditLogFile>(d->config.file, d->config.fileMode, d->config.maxFileBytes == 0);
        if (Outcome failure = d->file->open(d->config.createDir))
            return failure;
        std::vector<AuditEvent> missing;
        const auto last = d->readBack(&missing);
        // What the file has and should have; nothing is missing in one that is only new, or was rotated away.
        const int64_t had = last ? last->seq : d->file->wasRepaired() ? 0 : d->seq;
        const std::vector<AuditEvent> lost = table ? lostChanges(missing, table->lastChangeSeq()) : std::vector<AuditEvent>();
        if (table)
            table->countMissed(missing);
        if (!d->config.storeInDb)
            missing.clear(); // there are no rows to miss
        d->recovered = d->file->wasRepaired() || !missing.empty() || !lost.empty() || (d->config.storeInDb && had < d->seq);
        if (d->config.storeInDb && had < d->seq && !d->appendFromTable(had))
            return Error{ErrorKind::Unavailable, "audit_file", "The audit log's file lacks events that the table has, and they cannot be written to it.", "AUDIT_LOG_FILE"};
        if (last && last->seq > d->seq) {
            d->seq = last->seq;
            d->hash = last->hash;
        }
        if (last && last->seq == d->seq && last->action == Action::AuditCheckpoint)
            d->checkpointSeq = d->seq;
        // A change is committed together with its seq: a line without that is of a change that never was.
        d->correct(lost);
        if (!missing.empty()) {
            logInfo("rows of the audit log are replayed from its files", {{"rows", std::to_string(missing.size())}});
            table->append(std::move(missing), nullptr);
        }
    }
    d->lastSeq = d->seq;
    d->checkpointAt = std::chrono::steady_clock::now();
    if (d->file && d->file->isEmpty() && d->seq > 0)
        d->writeCheckpoint(true);
    if (d->file && d->config.maxFileBytes > 0) {
        visitLines(d->config.file, [this](std::string_view line) {
            const auto first = parseAuditLine(line);
            d->fileDay = first ? first->timestampMs / dayMs : 0;
            return false;
        });
        d->packer = std::make_unique<LogPacker>(d->config.file, d->config.fileMode, d->config.fileRetentionMs,
                                                d->config.encryptRotated ? d->config.keys : nullptr);
    }
    d->thread = std::thread([this] { d->run(); });
    return {};
}

// The newest event of the file, or of what it was rotated to when it is empty (the process may have ended in between); in
// missing what the table may lack, or, without rows, what changes may be among and what may not be counted.
std::optional<AuditEvent> AuditLog::Private::readBack(std::vector<AuditEvent> *missing)
{
    const auto gather = [missing](AuditEvent event) { missing->push_back(std::move(event)); };
    int64_t known = seq;
    if (!config.storeInDb) {
        const auto newest = file->eventsAfter(-1, gather);
        known = std::max(table ? std::min(table->lastChangeSeq(), table->lastCountedSeq()) : int64_t{0}, (newest ? newest->seq : 0) - mostAfterChange);
    }
    auto last = file->eventsAfter(known, gather);
    const bool reaches = last && (missing->empty() || missing->front().seq <= known + 1);
    if (reaches)
        return last;
    const std::vector<LogSetFile> files = logSet(config.file, config.keys);
    for (auto older = files.rbegin(); older != files.rend() && missing->size() < mostReplayed; ++older) {
        if (older->path == config.file)
            continue;
        const int64_t before = missing->empty() ? INT64_MAX : missing->front().seq;
        std::vector<AuditEvent> found;
        std::optional<AuditEvent> newest;
        visitLines(*older, [&](std::string_view line) {
            auto event = parseAuditLine(line);
            if (event && event->seq > known && event->seq < before)
                found.push_back(*event);
            if (event)
                newest = std::move(event);
            return true;
        });
        missing->insert(missing->begin(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
        if (!last)
            last = std::move(newest);
        if (older->firstSeq <= known + 1)
            break;
    }
    return last;
}

// The power went before the file was synced, but not before the rows were.
bool AuditLog::Private::appendFromTable(int64_t after)
{
    logInfo("lines of the audit log are restored from the table", {{"after_seq", std::to_string(after)}});
    std::string text;
    bool good = true;
    const auto flush = [&] {
        good = good && (text.empty() || file->append(text));
        text.clear();
    };
    const bool read = table->linesAfter(after, [&](const std::string &line) {
        text.append(line).append("\n");
        if (text.size() > restoreBytes)
            flush();
    });
    flush();
    return read && good && file->sync();
}

} // namespace llmproxy
