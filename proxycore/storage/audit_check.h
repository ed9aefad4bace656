// SPDX-License-Identifier: GPL-3.0-only
// The audit log's files and its table, each by itself and against each other, row by row where both still hold an event.
// Reads beside a running writer. Thread: any.
#pragma once

#include "audit/audit_log.h"
#include "audit/verify.h"
#include "base/result.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

class KeyRing;

struct AuditCheckInput
{
    std::string file;          // empty: no file
    bool alone = false;        // that file and not what it was rotated to
    bool olderCopy = false;    // fewer events than the table has are no fault, when the last is a checkpoint
    std::string database;      // empty: no table
    std::optional<LogPlace> place; // how far the files went when they were last synced; not for a copy
    std::vector<std::string> anchors; // files with checkpoints that were sent outside: the log must have each of them
    int64_t afterSeq = 0;       // events up to this one were verified before, and only what follows is looked at; 0: all
    std::string afterHash;      // that event's
    const CheckpointKeys *keys = nullptr;
    const KeyRing *ring = nullptr; // opens encrypted rotated files
    const std::atomic<bool> *cancelled = nullptr;
    std::function<void(int64_t done, int64_t total)> progress; // events; about ten times a second of work
};

struct AuditCheckReport
{
    std::optional<VerifyReport> file, table;
    std::optional<int64_t> rowsTo; // the table was whole up to this seq when the check began; later events are in the file alone
    bool cancelled = false;
    bool isGood() const { return (!file || file->isGood()) && (!table || table->isGood()); }
    // The one with the lowest seq; null when all is well.
    const VerifyProblem *first() const;
};

Result<AuditCheckReport> checkAudit(const AuditCheckInput &input);

} // namespace llmproxy
