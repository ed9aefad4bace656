// SPDX-License-Identifier: GPL-3.0-only
// auth.failure and auth.success: recorded so that nobody can fill the disk from outside (ruling 41). What
// goes over the limit is summed into one event per address and minute with "count". Thread: any, one lock.
#pragma once

#include "audit/audit_log.h"
#include "exchange/outcome_fan.h"
#include "front/http_types.h"

#include <map>
#include <mutex>
#include <string>

namespace llmproxy {

class AuthEvents
{
public:
    // meter is told of failures when there are no events that carry them (AUDIT_ENABLED=false).
    AuthEvents(AuditLog &audit, OutcomeMeter meter) : m_audit(audit), m_meter(std::move(meter)) {}
    // One event now.
    void failure(const Peer &peer, const RequestHead &head, int status, Reason reason, AuditLog::Written written);
    // Counted; the first of a minute at once, the others by flush().
    void countedFailure(const std::string &address, Reason reason);
    // The first per address and hour.
    void success(const Peer &peer, const RequestHead &head, int status);
    // Somebody opened /manage/events: one event a minute for each actor and address, none for the console (ruling 42).
    void watched(const Peer &peer, const RequestHead &head, const std::string &actor);
    void flush();    // every few seconds: what is a minute old
    void flushAll(); // at stop

private:
    using WindowKey = std::pair<std::string, bool>; // an address, and whether its failures are of credentials: alerts count those
    struct Window
    {
        int64_t sinceMs = 0;
        int64_t waiting = 0;
        Reason reason = Reason::None; // None: several
    };
    void emitWaiting(int64_t sinceMs);
    void emitCount(const WindowKey &key, Reason reason, int64_t count);
    void record(AuditEvent event, OutcomePtr failures, AuditLog::Written written);

    AuditLog &m_audit;
    const OutcomeMeter m_meter;
    std::mutex m_lock;
    std::map<WindowKey, Window> m_windows;
    std::map<std::string, int64_t> m_successes;
    std::map<std::string, int64_t> m_watched;
};

} // namespace llmproxy
