// SPDX-License-Identifier: GPL-3.0-only
#include "storage/row_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace llmproxy {

void RowQueue::begin(int64_t newest, bool hasFile)
{
    m_newest = newest;
    m_hasFile = hasFile;
}

void RowQueue::append(std::vector<AuditEvent> rows, Stored stored)
{
    std::erase_if(rows, [](const AuditEvent &row) { return row.seq == 0; }); // it has no line
    if (!rows.empty())
        m_newest = rows.back().seq;
    if (isInFile(m_newest) && m_rows.size() + rows.size() > mostRows)
        m_rows.clear();
    if (m_rows.empty())
        m_rows.swap(rows);
    else
        std::move(rows.begin(), rows.end(), std::back_inserter(m_rows));
    if (stored)
        m_waiters.push_back({m_newest, std::move(stored)});
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

int64_t RowQueue::missingAfter(int64_t seq) const
{
    const int64_t upTo = m_rows.empty() ? m_newest : m_rows.front().seq - 1;
    return m_hasFile && upTo > seq ? upTo : 0;
}

std::vector<RowQueue::Waiter> RowQueue::takeWaiters(int64_t upTo)
{
    std::vector<Waiter> taken;
    for (; !m_waiters.empty() && m_waiters.front().seq <= upTo; m_waiters.pop_front())
        taken.push_back(std::move(m_waiters.front()));
    return taken;
}

} // namespace llmproxy
