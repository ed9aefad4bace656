// SPDX-License-Identifier: GPL-3.0-only
#include "client/session.h"

namespace llmproxy::ui {

Session::Session(ConsoleHost &host, QObject *parent) : QObject(parent), m_host(host), m_engine(host)
{
    connect(&m_engine, &EngineControl::stateChanged, this, &Session::engineChanged);
}

void Session::use(const std::function<std::unique_ptr<Peer>()> &peer, const QString &name, const QString &url)
{
    m_client.setPeer(peer(), name, url);
    m_live.follow(peer()); // a way of its own: its call never ends
}

void Session::useLocal()
{
    m_isRemote = false;
    if (m_engine.isUp())
        engineChanged();
    else
        m_engine.start();
}

void Session::useRemote(const RemoteServer &server)
{
    m_isRemote = true;
    use([this, server] { return m_host.remote(server); }, server.name, server.url);
}

void Session::engineChanged()
{
    if (m_isRemote)
        return;
    if (m_engine.isUp()) {
        use([this] { return m_host.local(); }, m_engine.state() == EngineControl::State::Attached ? tr("This computer (server)") : tr("This computer"));
        return;
    }
    m_live.follow(nullptr);
    m_client.setPeer(nullptr, tr("This computer"));
}

} // namespace llmproxy::ui
