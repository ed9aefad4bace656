// SPDX-License-Identifier: GPL-3.0-only
// Compares outcomes with the alert rules. What they raise goes into the audit log as alert.raise, to the
// watchers of /manage/events, to the application log and to ALERT_WEBHOOKS. Thread: any, one lock.
#pragma once

#include "access/snapshot.h"
#include "alerts/rules.h"
#include "audit/audit_log.h"
#include "delivery/outbox.h"
#include "storage/database.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace llmproxy {

class AlertWatch
{
public:
    // snapshots outlives it; outbox may be null.
    AlertWatch(AlertThresholds thresholds, const SnapshotHolder &snapshots, std::unique_ptr<Outbox> outbox);
    ~AlertWatch(); // endLearning()
    AlertWatch(const AlertWatch &) = delete;
    AlertWatch &operator=(const AlertWatch &) = delete;

    // Reads the newest requests of the last two weeks, in the background. Once.
    void learnFrom(Database &database);
    void endLearning();
    void raiseInto(AuditLog *audit); // null: no more, after what is held back was counted
    // Once a minute: raises what counts the alerts that were held back.
    void tick();
    // seq: of its event; 0: it has none.
    void see(const RequestOutcome &outcome, int64_t seq);
    // What the audit log found about itself; also before there is a log to raise it into.
    void tell(const AuditFinding &finding);

    // What was raised after this number, as JSON objects, and the newest number.
    std::vector<std::string> since(uint64_t *number) const;
    uint64_t newest() const;

private:
    void learn();
    void raise(const Alert &alert);
    void raiseDue(int64_t nowMs);

    mutable std::mutex m_lock;
    SnapshotReader m_snapshots;
    AlertRules m_rules;
    AuditLog *m_audit = nullptr;
    std::vector<Alert> m_early; // told before raiseInto()
    std::unique_ptr<Outbox> m_outbox;
    std::deque<std::string> m_recent; // the last ones
    uint64_t m_number = 0;            // of the newest
    std::atomic<bool> m_ending{false};
    Database *m_history = nullptr; // to learn from
    std::condition_variable m_wake;
    std::thread m_learner; // last: it uses all of them
};

} // namespace llmproxy
