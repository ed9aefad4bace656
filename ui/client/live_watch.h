// SPDX-License-Identifier: GPL-3.0-only
// Follows GET /manage/events: what runs, what ended, what is raised. Reads on a thread of its own, also after the server was lost
// and came back. Thread: GUI; signals arrive there.
#pragma once

#include "client/console_host.h"

#include <QJsonObject>
#include <QObject>
#include <QThread>

#include <atomic>
#include <vector>

namespace llmproxy::ui {

class LiveWatch final : public QObject
{
    Q_OBJECT
public:
    explicit LiveWatch(QObject *parent = nullptr);
    ~LiveWatch() override; // waits up to a second

    // Null: nobody. Does not wait for who was followed before; nothing of it is heard any more.
    void follow(std::shared_ptr<Peer> peer);

Q_SIGNALS:
    void requests(const QJsonObject &event);
    void alert(const QJsonObject &alert);

private:
    using Ended = std::shared_ptr<std::atomic<bool>>;
    void tell(const QByteArray &event, const Ended &ended);

    Ended m_ended;
    std::vector<std::unique_ptr<QThread>> m_threads; // the last one reads, those before it end
};

} // namespace llmproxy::ui
