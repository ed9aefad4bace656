// SPDX-License-Identifier: GPL-3.0-only
#include "engine/alert_watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"
#include "exchange/outcome_event.h"

#include <QJsonDocument>
#include <QJsonObject>

#include <sys/resource.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t learntMs = 14 * dayMs;
constexpr int rowsAtOnce = 1000;
constexpr int mostPages = 200;
constexpr size_t mostRecent = 200;

QJsonValue text(const std::string &value)
{
    return value.empty() ? QJsonValue() : QJsonValue(QString::fromStdString(value));
}

std::string jsonOf(const Alert &alert)
{
    const auto number = [](int64_t value) { return value > 0 ? QJsonValue(qint64{value}) : QJsonValue(); };
    return QJsonDocument(QJsonObject{{QStringLiteral("time"), QString::fromStdString(rfc3339(alert.timestampMs))},
                                     {QStringLiteral("rule"), text(alert.rule)}, {QStringLiteral("message"), text(alert.message)},
                                     {QStringLiteral("client_ip"), text(alert.clientIp)}, {QStringLiteral("project_id"), text(alert.projectId)},
                                     {QStringLiteral("token_uuid"), text(alert.tokenUuid)}, {QStringLiteral("token_masked"), text(alert.tokenMasked)},
                                     {QStringLiteral("count"), number(alert.count)}, {QStringLiteral("threshold"), number(alert.threshold)},
                                     {QStringLiteral("window_seconds"), number(alert.windowSeconds)}, {QStringLiteral("seq"), qint64{alert.seq}}})
        .toJson(QJsonDocument::Compact).toStdString();
}

} // namespace

AlertWatch::AlertWatch(AlertThresholds thresholds, const SnapshotHolder &snapshots, std::unique_ptr<Outbox> outbox)
    : m_snapshots(snapshots),
      m_rules(thresholds, [this](std::string_view uuid) {
          const TokenPtr token = m_snapshots.current()->tokenById(std::string(uuid));
          return token ? std::string(token->lineage()) : std::string();
      }),
      m_outbox(std::move(outbox)), m_learner(makeThread("alerts", [this] { guarded("alerts", [this] { learn(); }); }))
{
}

AlertWatch::~AlertWatch()
{
    endLearning();
}

void AlertWatch::raiseInto(AuditLog *audit)
{
    const std::lock_guard guard(m_lock);
    if (!audit)
        raiseDue(INT64_MAX); // what is counted is not lost
    m_audit = audit;
    for (const Alert &alert : audit ? std::exchange(m_early, {}) : std::vector<Alert>())
        raise(alert);
}

void AlertWatch::tell(const AuditFinding &finding)
{
    Alert alert;
    alert.rule = finding.reason.starts_with("file_") ? "audit_" + finding.reason : finding.reason;
    alert.message = finding.message;
    alert.timestampMs = Clock::wallMs();
    const std::lock_guard guard(m_lock);
    if (m_audit)
        raise(alert);
    else
        m_early.push_back(std::move(alert));
}

void AlertWatch::tick()
{
    const std::lock_guard guard(m_lock);
    m_snapshots.current(); // an old one is not kept
    raiseDue(Clock::wallMs());
}

// Under the lock.
void AlertWatch::raiseDue(int64_t nowMs)
{
    if (!m_audit)
        return;
    for (Alert &alert : m_rules.due(nowMs)) {
        alert.timestampMs = Clock::wallMs();
        raise(alert);
    }
}

void AlertWatch::learnFrom(Database &database)
{
    const std::lock_guard guard(m_lock);
    m_history = &database;
    m_wake.notify_one();
}

void AlertWatch::learn()
{
    setpriority(PRIO_PROCESS, 0, 19); // on Linux of this thread
    {
        std::unique_lock guard(m_lock);
        m_wake.wait(guard, [this] { return m_history || m_ending; });
    }
    AuditQuery query;
    query.action = nameOf(Action::TokenAccess);
    query.result = "success";
    query.fromMs = Clock::wallMs() - learntMs;
    query.limit = rowsAtOnce;
    for (int page = 0; page < mostPages && !m_ending; ++page) {
        const auto events = m_history->auditEvents(query);
        if (!events || events->empty())
            return;
        const std::lock_guard guard(m_lock);
        for (const AuditEvent &event : *events)
            m_rules.learn(outcomeOf(event));
        query.fromSeq = events->back().seq;
    }
}

void AlertWatch::endLearning()
{
    {
        const std::lock_guard guard(m_lock);
        m_ending = true;
        m_wake.notify_one();
    }
    if (m_learner.joinable())
        m_learner.join();
}

void AlertWatch::see(const RequestOutcome &outcome, int64_t seq)
{
    const std::lock_guard guard(m_lock);
    if (!m_audit)
        return;
    for (const Alert &alert : m_rules.see(outcome, seq))
        raise(alert);
}

void AlertWatch::raise(const Alert &alert)
{
    AuditEvent event(Action::AlertRaise, "system", "success");
    event.projectId = alert.projectId;
    event.clientIp = alert.clientIp;
    event.ownText("rule", alert.rule);
    event.detail("message", alert.message);
    event.detail("token_id", alert.tokenMasked);
    event.detail("token_uuid", alert.tokenUuid);
    for (const auto &[name, value] : {std::pair{"count", alert.count}, {"threshold", alert.threshold}, {"window_seconds", alert.windowSeconds}}) {
        if (value > 0)
            event.detail(name, value);
    }
    if (alert.seq > 0)
        event.detail("because_seq", alert.seq);
    m_audit->record(std::move(event), nullptr);
    logWarn("alert", {{"rule", alert.rule}, {"message", alert.message}, {"seq", std::to_string(alert.seq)}});
    const std::string json = jsonOf(alert);
    m_recent.push_back(json);
    ++m_number;
    if (m_recent.size() > mostRecent)
        m_recent.pop_front();
    if (m_outbox)
        m_outbox->send(json);
}

uint64_t AlertWatch::newest() const
{
    const std::lock_guard guard(m_lock);
    return m_number;
}

std::vector<std::string> AlertWatch::since(uint64_t *number) const
{
    const std::lock_guard guard(m_lock);
    const uint64_t count = std::min<uint64_t>(m_number - std::min(*number, m_number), m_recent.size());
    *number = m_number;
    return {m_recent.end() - static_cast<ptrdiff_t>(count), m_recent.end()};
}

} // namespace llmproxy
