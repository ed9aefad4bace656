// SPDX-License-Identifier: GPL-3.0-only
#include "engine/auth_events.h"

#include "audit/masking.h"
#include "base/clock.h"
#include "exchange/outcome_event.h"

#include <utility>

namespace llmproxy {

namespace {

// More addresses than this within a minute are summed under one name.
constexpr size_t maxAddresses = 10'000;

AuditEvent httpEvent(Action action, const char *result, const Peer &peer, const RequestHead &head, int status)
{
    AuditEvent event(action, "management", result);
    event.requestId = head.requestId;
    event.clientIp = peer.text;
    event.detail("http_method", head.method);
    event.detail("endpoint", redactPath(head.path));
    event.detail("status", int64_t{status});
    event.userAgent(head.headers.value("user-agent"));
    return event;
}

// What the alerts look at.
OutcomePtr failuresOf(const std::string &address, bool ofCredential, Reason reason, int64_t count)
{
    auto failures = std::make_shared<RequestOutcome>();
    failures->result = OutcomeResult::Failure;
    failures->reason = reason;
    failures->clientIp = address;
    failures->isSummary = true;
    failures->isOfCredential = ofCredential;
    failures->count = count;
    failures->endedMs = Clock::wallMs();
    return failures;
}

} // namespace

void AuthEvents::record(AuditEvent event, OutcomePtr failures, AuditLog::Written written)
{
    if (!m_audit.config().enabled)
        m_meter(*failures, 0);
    event.outcome = std::move(failures);
    m_audit.record(std::move(event), std::move(written));
}

void AuthEvents::failure(const Peer &peer, const RequestHead &head, int status, Reason reason, AuditLog::Written written)
{
    AuditEvent event = httpEvent(Action::AuthFailure, "failure", peer, head, status);
    event.detail("reason", std::string(nameOf(reason)));
    record(std::move(event), failuresOf(peer.text, isOfCredential(reason), reason, 1), std::move(written));
}

void AuthEvents::success(const Peer &peer, const RequestHead &head, int status)
{
    const int64_t now = Clock::wallMs();
    {
        const std::lock_guard guard(m_lock);
        if (m_successes.size() >= maxAddresses)
            m_successes.clear();
        int64_t &last = m_successes[peer.text];
        if (last != 0 && now - last < hourMs)
            return;
        last = now;
    }
    m_audit.record(httpEvent(Action::AuthSuccess, "success", peer, head, status), nullptr);
}

void AuthEvents::watched(const Peer &peer, const RequestHead &head, const std::string &actor)
{
    if (actor == "console")
        return;
    const int64_t now = Clock::wallMs();
    {
        const std::lock_guard guard(m_lock);
        if (m_watched.size() >= maxAddresses)
            m_watched.clear();
        int64_t &last = m_watched[actor + " " + peer.text];
        if (last != 0 && now - last < minuteMs)
            return;
        last = now;
    }
    AuditEvent event = httpEvent(Action::EventsRead, "success", peer, head, 200);
    event.actor = actor;
    m_audit.record(std::move(event), nullptr);
}

void AuthEvents::countedFailure(const std::string &from, Reason reason)
{
    const int64_t now = Clock::wallMs();
    WindowKey key{from, isOfCredential(reason)};
    {
        const std::lock_guard guard(m_lock);
        if (m_windows.size() >= maxAddresses && !m_windows.contains(key))
            key.first = "many";
        Window &window = m_windows[key];
        if (window.sinceMs != 0) {
            window.reason = window.waiting++ == 0 || window.reason == reason ? reason : Reason::None;
            return;
        }
        window.sinceMs = now;
    }
    emitCount(key, reason, 1);
}

void AuthEvents::flush()
{
    emitWaiting(Clock::wallMs() - minuteMs);
}

void AuthEvents::flushAll()
{
    emitWaiting(INT64_MAX);
}

// Of windows that began up to this time.
void AuthEvents::emitWaiting(int64_t sinceMs)
{
    const int64_t now = Clock::wallMs();
    std::map<WindowKey, Window> due;
    {
        const std::lock_guard guard(m_lock);
        for (auto at = m_windows.begin(); at != m_windows.end();) {
            if (at->second.sinceMs > sinceMs) {
                ++at;
            } else if (at->second.waiting == 0) {
                at = m_windows.erase(at);
            } else {
                due[at->first] = std::exchange(at->second, {now, 0, Reason::None});
                ++at;
            }
        }
    }
    for (const auto &[key, window] : due)
        emitCount(key, window.reason, window.waiting);
}

void AuthEvents::emitCount(const WindowKey &key, Reason reason, int64_t count)
{
    OutcomePtr failures = failuresOf(key.first, key.second, reason, count);
    AuditEvent event = eventOf(*failures);
    record(std::move(event), std::move(failures), nullptr);
}

} // namespace llmproxy
