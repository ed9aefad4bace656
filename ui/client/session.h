// SPDX-License-Identifier: GPL-3.0-only
// Which server is looked after: the engine of this program (or of the --serve that owns the data directory), or one elsewhere.
// Owns the client, the feed and the engine's control. Thread: GUI.
#pragma once

#include "client/client.h"
#include "client/engine_control.h"
#include "client/live_watch.h"
#include "client/project_names.h"

namespace llmproxy::ui {

class Session final : public QObject
{
    Q_OBJECT
public:
    explicit Session(ConsoleHost &host, QObject *parent = nullptr);

    void useLocal();
    void useRemote(const RemoteServer &server);
    bool isRemote() const { return m_isRemote; }
    Client &client() { return m_client; }
    LiveWatch &live() { return m_live; }
    ProjectNames &projects() { return m_projects; }
    EngineControl &engine() { return m_engine; }

private:
    void engineChanged();
    void use(const std::function<std::unique_ptr<Peer>()> &peer, const QString &name, const QString &url = {});

    ConsoleHost &m_host;
    EngineControl m_engine; // ends after those that use it
    Client m_client;
    LiveWatch m_live;
    ProjectNames m_projects{m_client};
    bool m_isRemote = false;
};

} // namespace llmproxy::ui
