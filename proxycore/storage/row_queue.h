// SPDX-License-Identifier: GPL-3.0-only
// Audit rows on their way into the table, in the order of their seq and without gaps. It holds the newest ones: when more wait
// than it may hold, and the log has a file, all of them are let go, for the file has their lines (audit_catch_up.h brings them).
// Thread: inside its owner's lock.
#pragma once

#include "audit/event.h"
#include "storage/rows_to.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

namespace llmproxy {

class RowQueue
{
public:
    using Stored = std::function<void(bool ok)>;
    struct Waiter
    {
        int64_t seq = 0; // the last one that it waits for
        Stored stored;
    };

    // About 30 MB, and under a second's work for the table.
    static constexpr size_t mostRows = 16'384;
    // What the audit thread should not exceed while the table takes rows.
    static constexpr size_t crowdedRows = mostRows / 2;

    // newest: the log's last event so far, whether the table has it or not. hasFile: rows may be let go.
    void begin(RowsTo newest, bool hasFile);
    void append(std::vector<AuditEvent> rows, Stored stored);
    // Rows behind this seq are not let go: their lines are not in the file yet. INT64_MAX: all are, as at the beginning.
    void fileEndsAt(int64_t seq) { m_fileTo = seq; }
    bool isInFile(int64_t seq) const { return m_hasFile && seq <= m_fileTo; }
    // What has arrived, if it follows on this seq; nothing while rows before it are missing.
    void takeAfter(int64_t seq, std::vector<AuditEvent> &rows);
    // Rows after this seq and up to which one are to be found in the files alone; seq 0: none are.
    RowsTo missingAfter(int64_t seq) const;
    // Those that wait for rows up to this seq.
    std::vector<Waiter> takeWaiters(int64_t upTo);
    int64_t newest() const { return m_newest.seq; }
    size_t size() const { return m_rows.size(); }
    bool isEmpty() const { return m_rows.empty() && m_waiters.empty(); }

private:
    std::vector<AuditEvent> m_rows;
    std::deque<Waiter> m_waiters;
    RowsTo m_newest;
    int64_t m_fileTo = INT64_MAX;
    bool m_hasFile = false;
};

} // namespace llmproxy
