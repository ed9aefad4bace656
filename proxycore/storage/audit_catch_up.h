// SPDX-License-Identifier: GPL-3.0-only
// Brings into the table what the log's files have and the table lacks (ruling 48): after a kill, or after a time in which the
// database could not be written. In bounded memory, some thousand rows a step. It inserts rows and nothing else: what they count
// was counted at the event. Thread: the connection's.
#pragma once

#include "audit/log_stream.h"
#include "storage/audit_rows.h"
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

    // Seqs from and to whose lines stand in no file any more, so that their rows will never be there.
    using Lost = std::vector<std::pair<int64_t, int64_t>>;
    // In the caller's transaction: the next rows behind rowsTo, up to a seq whose line was written before; rowsTo moves along.
    // False: a file or the database failed, and nothing of it holds.
    bool step(SqlConnection &connection, AuditInsert &insert, int64_t upTo, RowsTo &rowsTo, Lost &lost);
    // The step's transaction failed, or there is nothing to do for now.
    void reset() { m_stream.reset(); }

private:
    const std::string m_file;
    const KeyRing *const m_keys;
    std::unique_ptr<LogStream> m_stream;
    int64_t m_missed = 0; // not found at the last look
};

} // namespace llmproxy
