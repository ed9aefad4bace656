// SPDX-License-Identifier: GPL-3.0-only
// Starts and stops the engine of this process, on the one thread that it wants for that. Thread: GUI.
#pragma once

#include "client/console_host.h"

#include <QObject>
#include <QThread>

namespace llmproxy::ui {

class EngineControl final : public QObject
{
    Q_OBJECT
public:
    enum class State { Stopped, Starting, Running, Stopping, Attached, Failed };

    explicit EngineControl(ConsoleHost &host, QObject *parent = nullptr);
    ~EngineControl() override; // stops it and waits

    // Where a server of this computer was looked after and is gone: looks again who has the data directory, and starts one if nobody has.
    void start();
    void stop();
    void restart();
    // Where another program has the port: for this time, the saved address stays.
    void startOnFreePort();
    bool isPortTaken() const { return m_isPortTaken; } // why it failed
    State state() const { return m_state; }
    bool isUp() const { return m_state == State::Running || m_state == State::Attached; }
    const QString &problem() const { return m_problem; }
    // What stopping it now would cut, whichever server the console shows; 0 where it is not ours to stop.
    int runningStreams() const { return m_state == State::Running ? static_cast<int>(m_host.runningRequests()) : 0; }
    qint64 drainTimeoutMs() const { return m_host.drainTimeoutMs(); }

Q_SIGNALS:
    void stateChanged();

private:
    void set(State state, const QString &problem = {});
    void begin(bool onFreePort);

    ConsoleHost &m_host;
    QThread m_thread;
    QObject m_worker; // lives on m_thread
    State m_state = State::Stopped;
    QString m_problem;
    bool m_isPortTaken = false;
};

} // namespace llmproxy::ui
