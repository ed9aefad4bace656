// SPDX-License-Identifier: GPL-3.0-only
// A report over a stretch of the audit log, for people who have to show that somebody looks after it: what was done, what
// failed, which keys were rotated, who reviewed, and whether the chain holds. Gathered in one pass over the events.
// Thread: a job's.
#pragma once

#include "audit/event.h"
#include "storage/audit_check.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace llmproxy {

struct AuditReport
{
    static constexpr size_t mostListed = 5000;

    std::string generatedAt, from, to; // RFC 3339; from and to empty: as far as the log goes
    int64_t events = 0, firstSeq = 0, lastSeq = 0;
    std::string firstHash, lastHash;

    // An event of refusals that were counted stands for as many as it says (ruling 47), any other for one.
    struct Tally
    {
        int64_t events = 0, count = 0;
    };
    std::map<std::pair<std::string, std::string>, Tally> counts; // action, result

    struct Failure : Tally
    {
        int64_t firstMs = 0, lastMs = 0;
    };
    using FailureKey = std::tuple<std::string, std::string, std::string, std::string>; // action, result, reason, project
    std::map<FailureKey, Failure> failures;

    // Changes, and what was done with the log itself; reads and requests are only counted.
    std::vector<AuditEvent> operations;
    std::vector<AuditEvent> rotations; // of provider keys, the management token, the encryption key
    std::vector<AuditEvent> reviews;
    int64_t unlisted = 0; // operations beyond mostListed

    AuditCheckReport check;

    void add(const AuditEvent &event);

private:
    void addFailure(const AuditEvent &event, std::string reason, int64_t count);
};

// Whole documents.
std::string reportJson(const AuditReport &report);
std::string reportCsv(const AuditReport &report);
std::string reportHtml(const AuditReport &report);

// A row of CSV (RFC 4180); what a spreadsheet would run as a formula begins with an apostrophe.
void appendCsvRow(std::string &out, const std::vector<std::string_view> &cells);

} // namespace llmproxy
