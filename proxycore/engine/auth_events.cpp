// SPDX-License-Identifier: GPL-3.0-only
#include "engine/auth_events.h"

#include "base/clock.h"

#include <utility>

namespace llmproxy {

namespace {

// More addresses than this are not remembered.
constexpr size_t maxAddresses = 10'000;
constexpr int tooManyStatus = 429;

AuditEvent httpEvent(Action action, const char *result, const Peer &peer, const RequestHead &head, int status)
{
    AuditEvent event(action, "management", result);
    const size_t most = action == Action::AuthFailure ? longestOfStranger : longestText;
    event.requestId = head.requestId;
    event.clientIp = peer.text;
    if (head.isWhole) { // else nothing of it is checked
        event.detail("http_method", head.method);
        event.ownText("endpoint", recordedPath(head.path, most));
    }
    event.detail("status", int64_t{status});
    if (head.isWhole)
        event.ownText("user_agent", recordedUserAgent(head.headers.value("user-agent"), most));
    return event;
}

// What the alerts look at.
OutcomePtr failureOf(const Peer &peer, Reason reason)
{
    auto failure = std::make_shared<RequestOutcome>();
    failure->result = OutcomeResult::Failure;
    failure->reason = reason;
    failure->clientIp = peer.text;
    failure->isSummary = true;
    failure->isOfCredential = isOfCredential(reason);
    failure->endedMs = Clock::wallMs();
    return failure;
}

Refused refusedCall(const Peer &peer, int status, Reason reason)
{
    Refused refused;
    refused.kind = RefusedKind::Management;
    refused.address = peer.address;
    refused.reason = reason;
    refused.isOverLimit = status == tooManyStatus;
    return refused;
}

} // namespace

void AuthEvents::failure(const Peer &peer, const RequestHead &head, int status, Reason reason, AuditLog::Written written)
{
    OutcomePtr failure = failureOf(peer, reason);
    const bool isRecorded = judge(refusedCall(peer, status, reason));
    if (!isRecorded || !m_audit.config().enabled)
        m_meter(*failure, 0);
    if (!isRecorded) {
        if (written)
            written(true);
        return;
    }
    AuditEvent event = httpEvent(Action::AuthFailure, "failure", peer, head, status);
    event.detail("reason", std::string(nameOf(reason)));
    event.outcome = std::move(failure);
    m_audit.record(std::move(event), std::move(written));
}

void AuthEvents::refused(const Peer &peer, const RequestHead &head, int status, Reason reason)
{
    if (!judge(refusedCall(peer, status, reason)))
        return;
    AuditEvent event = httpEvent(Action::AuthFailure, "failure", peer, head, status);
    event.detail("reason", std::string(nameOf(reason)));
    m_audit.record(std::move(event), nullptr);
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

bool AuthEvents::isRecorded(const RequestOutcome &outcome, const IpAddress &address)
{
    Refused refused;
    refused.kind = outcome.reason == Reason::Preflight ? RefusedKind::Preflight : RefusedKind::Request;
    refused.address = address;
    refused.reason = outcome.reason;
    refused.isOverLimit = outcome.status == tooManyStatus;
    refused.token = outcome.token;
    refused.isTokenValid = outcome.tokenState == Reason::None;
    return judge(refused);
}

// Without auditing there is nothing to count: each outcome is told as it comes.
bool AuthEvents::judge(const Refused &refused)
{
    if (!m_audit.config().enabled)
        return true;
    std::vector<CountedRefusals> counted;
    bool isRecorded = false;
    {
        const std::lock_guard guard(m_refusalLock);
        isRecorded = m_refusals.add(refused, Clock::wallMs(), &counted);
    }
    write(counted);
    return isRecorded;
}

void AuthEvents::write(const std::vector<CountedRefusals> &counted)
{
    if (counted.empty())
        return;
    std::vector<AuditLog::Entry> entries;
    entries.reserve(counted.size());
    for (const CountedRefusals &one : counted)
        entries.push_back({one.event(), nullptr});
    m_audit.recordAll(std::move(entries));
}

void AuthEvents::flush()
{
    std::vector<CountedRefusals> counted;
    {
        const std::lock_guard guard(m_refusalLock);
        m_refusals.endMinute(Clock::wallMs(), &counted);
    }
    write(counted);
}

void AuthEvents::flushAll()
{
    std::vector<CountedRefusals> counted;
    {
        const std::lock_guard guard(m_refusalLock);
        m_refusals.endAll(&counted);
    }
    write(counted);
}

} // namespace llmproxy
