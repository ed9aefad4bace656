// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_catch_up.h"

#include "base/log.h"

#include <QVariant>
#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

// A tenth of a second, after which whoever waits has his turn.
constexpr int rowsPerStep = 4'000;

} // namespace

bool AuditCatchUp::step(SqlConnection &connection, AuditInsert &insert, int64_t upTo, RowsTo &rowsTo, Lost &lost)
{
    if (!m_stream)
        m_stream = std::make_unique<LogStream>(m_file, m_keys, rowsTo.seq);
    for (int rows = 0; rows < rowsPerStep && rowsTo.seq < upTo; ++rows) {
        const auto event = m_stream->next();
        if (!event && m_stream->hasFailed())
            return false;
        const int64_t next = event ? event->seq : upTo + 1;
        const int64_t expected = rowsTo.seq + 1;
        if (next > expected) {
            // The log may have gone on in another file since this one was opened: a second look decides.
            if (std::exchange(m_missed, expected) != expected)
                break;
            lost.emplace_back(expected, std::min(next - 1, upTo));
        }
        if (next > upTo) { // the queue has that one
            rowsTo = {upTo, event ? event->prev : std::string()};
            break;
        }
        rowsTo = {event->seq, event->hash};
        if (!insert.insert(*event))
            return false;
        if (rows + 1 == rowsPerStep)
            return insert.finish() && writeRowsTo(connection, rowsTo);
    }
    m_stream.reset();
    return insert.finish() && writeRowsTo(connection, rowsTo);
}

} // namespace llmproxy
