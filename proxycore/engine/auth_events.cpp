// SPDX-License-Identifier: GPL-3.0-only
#include "engine/auth_events.h"

#include "audit/masking.h"
#include "base/clock.h"

#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t minuteMs = 60'000;
constexpr int64_t hourMs = 3'600'000;
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

} // namespace

void AuthEvents::failure(const Peer &peer, const RequestHead &head, int status, const std::string &reason, AuditLog::Written written)
{
    AuditEvent event = httpEvent(Action::AuthFailure, "failure", peer, head, status);
    event.detail("reason", reason);
    m_audit.record(std::move(event), std::move(written));
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

void AuthEvents::countedFailure(const Peer &peer, const std::string &reason)
{
    const int64_t now = Clock::wallMs();
    std::string address = peer.text;
    {
        const std::lock_guard guard(m_lock);
        if (m_windows.size() >= maxAddresses && !m_windows.contains(address))
            address = "many";
        Window &window = m_windows[address];
        if (window.sinceMs != 0) {
            ++window.waiting;
            window.reason = window.reason.empty() || window.reason == reason ? reason : "several";
            return;
        }
        window.sinceMs = now;
    }
    emitCount(address, reason, 1);
}

void AuthEvents::flush()
{
    const int64_t now = Clock::wallMs();
    std::map<std::string, Window> due;
    {
        const std::lock_guard guard(m_lock);
        for (auto at = m_windows.begin(); at != m_windows.end();) {
            if (now - at->second.sinceMs < minuteMs) {
                ++at;
            } else if (at->second.waiting == 0) {
                at = m_windows.erase(at);
            } else {
                due[at->first] = std::exchange(at->second, {now, 0, {}});
                ++at;
            }
        }
    }
    for (const auto &[address, window] : due)
        emitCount(address, window.reason, window.waiting);
}

void AuthEvents::emitCount(const std::string &address, const std::string &reason, int64_t count)
{
    AuditEvent event(Action::AuthFailure, "client", "failure");
    event.clientIp = address;
    event.detail("reason", reason);
    event.detail("count", count);
    m_audit.record(std::move(event), nullptr);
}

} // namespace llmproxy
