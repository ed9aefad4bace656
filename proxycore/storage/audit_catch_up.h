// SPDX-License-Identifier: GPL-3.0-only
// Brings into the table what the log's files have and the table lacks (ruling 48): after a kill, or after a time in which the
// database could not be written. In bounded memory, some thousand rows a step. It inserts rows and nothing else: what they count
// was counted at the event. Thread: the connection's.
#pragma once

#include "audit/log_stream.h"
#include "storage/audit_rows.h"
#include "storage/lost_rows.h"
#include "storage/rows_to.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace llmproxy {

class AuditCatchUp
{
public:
    AuditCatchUp(std::string file, const KeyRing *keys) : m_file(std::move(file)), m_keys(keys) {}

    struct Found
    {
        LostRows lost;                       // stored with the rows behind them
        std::optional<LogProblem> obstacle;  // rows behind rowsTo may stand in this file: it goes on when the file can be read
    };
    // In the caller's transaction: the next rows behind rowsTo, up to an event whose line was written before; rowsTo moves along.
    // False: the database failed, and nothing of it holds.
    bool step(SqlConnection &connection, AuditInsert &insert, const RowsTo &upTo, RowsTo &rowsTo, Found &found);
    // What stands in files that cannot be read is given up.
    void passOver(bool passesOver) { m_passesOver = passesOver; }
    // The step's transaction failed, or there is nothing to do for now.
    void reset() { m_stream.reset(); }

private:
    std::optional<AuditEvent> next(Found &found);
    bool isGone(int64_t from, int64_t to, Found &found);

    const std::string m_file;
    const KeyRing *const m_keys;
    std::unique_ptr<LogStream> m_stream;
    int64_t m_missed = 0; // not found at the last look
    bool m_passesOver = false;
};

} // namespace llmproxy
