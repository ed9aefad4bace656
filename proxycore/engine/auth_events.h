// SPDX-License-Identifier: GPL-3.0-only
// auth.failure and auth.success, and which refusals have events of their own: nobody can fill the disk from outside. What has none
// is counted by a RefusalLedger, and its lines are written here. Thread: any; a lock, which no good request takes.
#pragma once

#include "audit/audit_log.h"
#include "engine/refusal_ledger.h"
#include "exchange/outcome_fan.h"
#include "front/http_types.h"

#include <map>
#include <mutex>
#include <string>

namespace llmproxy {

class AuthEvents
{
public:
    // meter is told of failures when there are no events that carry them.
    AuthEvents(AuditLog &audit, OutcomeMeter meter) : m_audit(audit), m_meter(std::move(meter)) {}
    // Of a refused request of the data plane: whether it has an event of its own, which the caller makes. Else it was counted.
    bool isRecorded(const RequestOutcome &outcome, const IpAddress &address);
    // A refused management call: one event now, or counted. written is called when that is done.
    void failure(const Peer &peer, const RequestHead &head, int status, Reason reason, AuditLog::Written written);
    // Front refused it by itself.
    void refused(const Peer &peer, const RequestHead &head, int status, Reason reason);
    // The first per address and hour.
    void success(const Peer &peer, const RequestHead &head, int status);
    // Somebody opened /manage/events: one event a minute for each actor and address, none for the console (ruling 42).
    void watched(const Peer &peer, const RequestHead &head, const std::string &actor);
    void flush();    // every second: what minutes that are over still owe
    void flushAll(); // at stop

private:
    bool judge(const Refused &refused);
    void write(const std::vector<CountedRefusals> &counted);

    AuditLog &m_audit;
    const OutcomeMeter m_meter;
    std::mutex m_refusalLock;
    RefusalLedger m_refusals;
    std::mutex m_lock;
    std::map<std::string, int64_t> m_successes;
    std::map<std::string, int64_t> m_watched;
};

} // namespace llmproxy
