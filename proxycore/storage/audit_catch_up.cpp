// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_catch_up.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

// A tenth of a second, after which whoever waits has his turn.
constexpr int rowsPerStep = 4'000;

} // namespace

std::optional<AuditEvent> AuditCatchUp::next(Found &found)
{
    auto event = m_stream->next();
    for (; !event && m_stream->problem() && m_passesOver; event = m_stream->next())
        m_stream->passOver();
    found.obstacle = m_stream->problem();
    return event;
}

// Whether events that were not found are nowhere.
bool AuditCatchUp::isGone(int64_t from, int64_t to, Found &found)
{
    // The log may have gone on in another file since this one was opened: a second look decides.
    if (std::exchange(m_missed, from) != from)
        return false;
    if (!m_stream->unreadable().empty() && !m_passesOver) {
        found.obstacle = m_stream->unreadable().front();
        return false;
    }
    found.lost.emplace_back(from, to);
    return true;
}

bool AuditCatchUp::step(SqlConnection &connection, AuditInsert &insert, const RowsTo &upTo, RowsTo &rowsTo, Found &found)
{
    if (!m_stream)
        m_stream = std::make_unique<LogStream>(m_file, m_keys, rowsTo.seq);
    bool goesOn = true;
    for (int rows = 0; rows < rowsPerStep && rowsTo.seq < upTo.seq && goesOn; ++rows) {
        const auto event = next(found);
        const int64_t seq = event ? event->seq : upTo.seq + 1;
        goesOn = !found.obstacle && (seq == rowsTo.seq + 1 || isGone(rowsTo.seq + 1, std::min(seq - 1, upTo.seq), found));
        if (!goesOn)
            break;
        rowsTo = seq > upTo.seq ? upTo : RowsTo{seq, event->hash}; // behind it the queue has them
        if (seq <= upTo.seq && !insert.insert(*event))
            return false;
    }
    if (!goesOn || rowsTo.seq >= upTo.seq)
        m_stream.reset();
    return insert.finish() && addLostRows(connection, found.lost) && writeRowsTo(connection, rowsTo);
}

} // namespace llmproxy
