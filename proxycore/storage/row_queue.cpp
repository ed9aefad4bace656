// SPDX-License-Identifier: GPL-3.0-only
#include "storage/row_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace llmproxy {

void RowQueue::begin(RowsTo newest, bool hasFile)
{
    m_newest = std::move(newest);
    m_hasFile = hasFile;
}

void RowQueue::append(std::vector<AuditEvent> rows, Stored stored)
{
    std::erase_if(rows, [](const AuditEvent &row) { return row.seq == 0; }); // it has no line
    if (!rows.empty())
        m_newest = {rows.back().seq, rows.back().hash};
    if (isInFile(m_newest.seq) && m_rows.size() + rows.size() > mostRows)
        m_rows.clear();
    if (m_rows.empty())
        m_rows.swap(rows);
    else
        std::move(rows.begin(), rows.end(), std::back_inserter(m_rows));
    if (stored)
        m_waiters.push_back({m_newest.seq, std::move(stored)});
}

void RowQueue::takeAfter(int64_t seq, std::vector<AuditEvent> &rows)
{
    if (m_rows.empty() || m_rows.front().seq > seq + 1)
        return;
    if (rows.empty())
        rows.swap(m_rows);
    else
        std::move(m_rows.begin(), m_rows.end(), std::back_inserter(rows));
    m_rows.clear();
}

RowsTo RowQueue::missingAfter(int64_t seq) const
{
    RowsTo upTo = m_rows.empty() ? m_newest : RowsTo{m_rows.front().seq - 1, m_rows.front().prev};
    return m_hasFile && upTo.seq > seq ? std::move(upTo) : RowsTo();
}

std::vector<RowQueue::Waiter> RowQueue::takeWaiters(int64_t upTo)
{
    std::vector<Waiter> taken;
    for (; !m_waiters.empty() && m_waiters.front().seq <= upTo; m_waiters.pop_front())
        taken.push_back(std::move(m_waiters.front()));
    return taken;
}

} // namespace llmproxy
