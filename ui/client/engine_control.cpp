// SPDX-License-Identifier: GPL-3.0-only
#include "client/engine_control.h"

namespace llmproxy::ui {

EngineControl::EngineControl(ConsoleHost &host, QObject *parent) : QObject(parent), m_host(host)
{
    m_thread.setObjectName(QStringLiteral("engine-keeper"));
    m_worker.moveToThread(&m_thread);
    m_thread.start();
}

EngineControl::~EngineControl()
{
    QMetaObject::invokeMethod(&m_worker, [this] { m_host.stopEngine(); }, Qt::QueuedConnection);
    QMetaObject::invokeMethod(&m_worker, [this] { m_thread.quit(); }, Qt::QueuedConnection);
    m_thread.wait();
}

void EngineControl::set(State state, const QString &problem)
{
    m_state = state;
    m_problem = problem;
    Q_EMIT stateChanged();
}

void EngineControl::start()
{
    begin(false);
}

void EngineControl::startOnFreePort()
{
    begin(true);
}

void EngineControl::begin(bool onFreePort)
{
    if (m_state == State::Starting || m_state == State::Running)
        return;
    set(State::Starting);
    QMetaObject::invokeMethod(&m_worker, [this, onFreePort] {
        const QString problem = m_host.startEngine(onFreePort);
        QMetaObject::invokeMethod(this, [this, problem, isTaken = m_host.isPortTaken()] {
            m_isPortTaken = isTaken;
            if (!problem.isEmpty())
                set(State::Failed, problem);
            else
                set(m_host.isAttached() ? State::Attached : State::Running);
        }, Qt::QueuedConnection);
    }, Qt::QueuedConnection);
}

void EngineControl::stop()
{
    if (m_state != State::Running)
        return;
    set(State::Stopping); // whoever holds a peer of it lets go now
    QMetaObject::invokeMethod(&m_worker, [this] {
        m_host.stopEngine();
        QMetaObject::invokeMethod(this, [this] { set(State::Stopped); }, Qt::QueuedConnection);
    }, Qt::QueuedConnection);
}

void EngineControl::restart()
{
    const auto again = std::make_shared<QMetaObject::Connection>();
    *again = connect(this, &EngineControl::stateChanged, this, [this, again] {
        if (m_state == State::Stopped) {
            disconnect(*again);
            start();
        }
    });
    stop();
}

} // namespace llmproxy::ui
