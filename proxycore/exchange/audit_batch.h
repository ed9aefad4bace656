// SPDX-License-Identifier: GPL-3.0-only
// Collects the events of one turn of an engine thread and hands them to the audit log together: at 32 busy connections
// one wake for a dozen requests instead of one for each. Thread: its poller's.
#pragma once

#include "audit/audit_log.h"
#include "front/poller.h"

#include <utility>
#include <vector>

namespace llmproxy {

class AuditBatch
{
public:
    AuditBatch(AuditLog &log, Poller &poller) : m_log(log), m_poller(poller) {}
    ~AuditBatch() { flush(); }
    AuditBatch(const AuditBatch &) = delete;
    AuditBatch &operator=(const AuditBatch &) = delete;

    // As AuditLog::record(), at the end of this turn.
    void record(AuditEvent event, AuditLog::Written written)
    {
        if (m_entries.empty()) {
            m_poller.defer([this] { flush(); });
            m_entries.reserve(m_usual); // an event is 300 bytes: a vector that grows moves each several times
        }
        m_entries.push_back({std::move(event), std::move(written)});
    }

private:
    void flush()
    {
        m_usual = m_entries.size();
        if (!m_entries.empty())
            m_log.recordAll(std::exchange(m_entries, {}));
    }

    AuditLog &m_log;
    Poller &m_poller;
    std::vector<AuditLog::Entry> m_entries;
    size_t m_usual = 0; // entries of the last turn that had some
};

} // namespace llmproxy
