// SPDX-License-Identifier: GPL-3.0-only
#include "client/live_watch.h"

#include "client/answer.h"

#include <QJsonDocument>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int againMs = 1'000, stepMs = 100;

} // namespace

LiveWatch::LiveWatch(QObject *parent) : QObject(parent)
{
}

LiveWatch::~LiveWatch()
{
    follow(nullptr);
    for (const auto &thread : m_threads)
        thread->wait();
}

void LiveWatch::follow(std::shared_ptr<Peer> peer)
{
    if (m_ended)
        *m_ended = true;
    std::erase_if(m_threads, [](const auto &thread) { return thread->isFinished(); });
    m_ended = std::make_shared<std::atomic<bool>>(false);
    if (!peer)
        return;
    m_threads.emplace_back(QThread::create([this, peer, ended = m_ended] {
        while (!*ended) {
            EventCutter cutter;
            const Reply reply = peer->stream(u"/manage/events"_s, {}, [&](const QByteArray &bytes) {
                return cutter.take(bytes, [&](const QByteArray &event) { tell(event, ended); }) && !*ended;
            });
            const int pause = reply.isRefused() ? refusedPauseMs : againMs;
            for (int waited = 0; waited < pause && !*ended; waited += stepMs)
                QThread::msleep(stepMs);
        }
    }));
    m_threads.back()->setObjectName(u"live-watch"_s);
    m_threads.back()->start(QThread::LowPriority);
}

// An event has one line "event: name" and one "data: json", as our server writes them. Thread: the reader's.
void LiveWatch::tell(const QByteArray &event, const Ended &ended)
{
    QByteArray name, data;
    for (const QByteArray &line : event.split('\n')) {
        if (line.startsWith("event: "))
            name = line.mid(7);
        else if (line.startsWith("data: "))
            data = line.mid(6);
    }
    const QJsonObject object = bounded(QJsonDocument::fromJson(data).object());
    QMetaObject::invokeMethod(this, [this, name, object, ended] {
        if (*ended)
            return;
        if (name == "requests")
            Q_EMIT requests(object);
        else if (name == "alert")
            Q_EMIT alert(object);
    }, Qt::QueuedConnection);
}

} // namespace llmproxy::ui
