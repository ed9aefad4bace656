// SPDX-License-Identifier: GPL-3.0-only
// Tells each outcome of an engine thread to whoever counts it. With auditing the outcomes of a turn go to the audit log together
// (at 32 busy connections one wake for a dozen requests), which makes the events and tells usage, quota and alerts with each
// one's seq, so that a start after a kill counts none twice and misses none. Without auditing, and for what has no event of its
// own, they are told at once. Thread: its poller's.
#pragma once

#include "audit/audit_log.h"
#include "exchange/live_log.h"
#include "exchange/outcome.h"
#include "front/poller.h"

#include <functional>
#include <utility>
#include <vector>

namespace llmproxy {

// Usage, quota and alerts. seq: of the outcome's event; 0: it has none. Thread: any.
using OutcomeMeter = std::function<void(const RequestOutcome &outcome, int64_t seq)>;

class OutcomeFan
{
public:
    OutcomeFan(AuditLog &log, Poller &poller, LiveLog &live, OutcomeMeter meter)
        : m_log(log), m_poller(poller), m_live(live), m_meter(std::move(meter))
    {
    }
    ~OutcomeFan() { flush(); }
    OutcomeFan(const OutcomeFan &) = delete;
    OutcomeFan &operator=(const OutcomeFan &) = delete;

    // written: as AuditLog::record(); at once when there is no event to write.
    void tell(OutcomePtr outcome, AuditLog::Written written)
    {
        if (m_live.isWatched())
            m_live.add(liveOf(*outcome));
        if (outcome->isSummarized || !m_log.config().enabled) {
            m_meter(*outcome, 0);
            if (written)
                written(true);
            return;
        }
        if (m_entries.empty()) {
            m_poller.defer([this] { flush(); });
            m_entries.reserve(m_usual); // a vector that grows moves each several times
        }
        m_entries.push_back({{}, std::move(written), false, std::move(outcome)});
    }

private:
    static LiveRequest liveOf(const RequestOutcome &outcome);
    void flush()
    {
        m_usual = m_entries.size();
        if (!m_entries.empty())
            m_log.recordAll(std::exchange(m_entries, {}));
    }

    AuditLog &m_log;
    Poller &m_poller;
    LiveLog &m_live;
    OutcomeMeter m_meter;
    std::vector<AuditLog::Entry> m_entries;
    size_t m_usual = 0; // entries of the last turn that had some
};

} // namespace llmproxy
