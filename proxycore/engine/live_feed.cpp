// SPDX-License-Identifier: GPL-3.0-only
#include "engine/live_feed.h"

#include "base/clock.h"
#include "engine/alert_watch.h"
#include "engine/engine_thread.h"
#include "manage/live_view.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>

namespace llmproxy {

namespace {

constexpr int64_t tickMs = 500;
constexpr int quietTicks = 30; // a comment every 15 s keeps middle boxes from closing
constexpr size_t mostShown = 1000;

QJsonArray arrayOf(std::vector<LiveRequest> &requests)
{
    // The oldest first: what hangs is what somebody looks for.
    std::sort(requests.begin(), requests.end(), [](const LiveRequest &a, const LiveRequest &b) { return a.startedMs < b.startedMs; });
    QJsonArray array;
    for (size_t i = 0; i < std::min(requests.size(), mostShown); ++i)
        array.append(liveView(requests[i]));
    return array;
}

} // namespace

LiveFeed::LiveFeed(const std::vector<std::unique_ptr<EngineThread>> &threads, std::atomic<int> &watchers, const std::atomic<bool> &ending,
                   const AlertWatch *alerts, ServerStream &stream)
    : m_threads(threads), m_watchers(watchers), m_ending(ending), m_alerts(alerts), m_alertNumber(alerts ? alerts->newest() : 0), m_stream(stream), m_timer(stream.poller(), [this] { gather(); }, &stream.breakable()),
      m_seen(threads.size(), UINT64_MAX), m_self(std::make_shared<LiveFeed *>(this))
{
    ++m_watchers;
}

void LiveFeed::start()
{
    ResponseHead head;
    head.headers.add("Content-Type", "text/event-stream");
    head.headers.add("Cache-Control", "no-store");
    head.headers.add("X-Content-Type-Options", "nosniff");
    m_stream.sendHead(head, std::nullopt);
    m_stream.flush();
    m_timer.start(0);
}

LiveFeed::~LiveFeed()
{
    *m_self = nullptr;
    --m_watchers;
}

void LiveFeed::gather()
{
    if (m_ending) { // a watcher must not hold the drain
        m_stream.finish(); // this is gone at the end of the turn
        return;
    }
    m_running.clear();
    m_ended.clear();
    m_missing = m_threads.size();
    for (size_t i = 0; i < m_threads.size(); ++i) {
        m_threads[i]->visitLive(m_seen[i], [poller = &m_stream.poller(), self = m_self, i](uint64_t seq, std::vector<LiveRequest> running,
                                                                                          std::vector<LiveRequest> ended) {
            poller->post([self, i, seq, running = std::move(running), ended = std::move(ended)]() mutable {
                if (LiveFeed *const feed = *self)
                    runFor(&feed->m_stream.breakable(), [&] { feed->take(i, seq, std::move(running), std::move(ended)); });
            });
        });
    }
    m_timer.start(tickMs);
}

void LiveFeed::take(size_t thread, uint64_t seq, std::vector<LiveRequest> running, std::vector<LiveRequest> ended)
{
    m_seen[thread] = seq;
    std::move(running.begin(), running.end(), std::back_inserter(m_running));
    std::move(ended.begin(), ended.end(), std::back_inserter(m_ended));
    if (m_missing > 0 && --m_missing == 0)
        tell();
}

void LiveFeed::tellAlerts()
{
    if (!m_alerts)
        return;
    for (const std::string &alert : m_alerts->since(&m_alertNumber))
        m_stream.sendBody("event: alert\ndata: " + alert + "\n\n");
    m_stream.flush();
}

void LiveFeed::tell()
{
    if (m_stream.backlog() > highWaterBytes)
        return;
    tellAlerts();
    if (m_running.empty() && m_ended.empty() && ++m_quiet < quietTicks && m_quiet > 1)
        return; // once is told that nothing runs any more
    std::string text;
    if (m_quiet >= quietTicks) {
        text = ": nothing runs\n\n";
        m_quiet = 1;
    } else {
        if (!m_running.empty() || !m_ended.empty())
            m_quiet = 0;
        const auto count = static_cast<qint64>(m_running.size());
        const QJsonObject told{{QStringLiteral("time"), QString::fromStdString(rfc3339(Clock::wallMs()))},
                               {QStringLiteral("running_count"), count},
                               {QStringLiteral("running"), arrayOf(m_running)},
                               {QStringLiteral("ended"), arrayOf(m_ended)}};
        text = "event: requests\ndata: " + QJsonDocument(told).toJson(QJsonDocument::Compact).toStdString() + "\n\n";
    }
    m_stream.sendBody(text);
    m_stream.flush();
}

} // namespace llmproxy
