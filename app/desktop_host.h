// SPDX-License-Identifier: GPL-3.0-only
// What the console gets from the program: an engine inside this process, or the way to the one that owns the data directory,
// and to servers elsewhere. Threads: as client/console_host.h says.
#pragma once

#include "client/console_host.h"
#include "base/log.h"
#include "demo_setup.h"
#include "management_client.h"

#include <atomic>
#include <csignal>

namespace llmproxy {

class EngineGate;

class DesktopHost final : public ui::ConsoleHost
{
public:
    // options outlive it. Blocks the signals that end a program, for every thread that starts later.
    explicit DesktopHost(const GlobalOptions &options);
    ~DesktopHost() override;

    QString dataDir() const override;
    bool isDemo() const override { return m_options.demo; }
    QString demoFolder() const override;
    void shiftDemoClock(qint64 ms) override;
    QString screenshotDir() const override;
    QStringList settingProblems() const override;
    int signalDescriptor() const override { return m_signals; }

    QString startEngine(bool onFreePort) override;
    bool isPortTaken() const override { return m_isPortTaken; }
    void stopEngine() override;
    qint64 runningRequests() const override;
    qint64 drainTimeoutMs() const override { return m_loaded.settings.drainTimeoutMs; }
    bool isAttached() const override { return m_attached; }

    std::unique_ptr<ui::Peer> local() override;
    std::unique_ptr<ui::Peer> remote(const ui::RemoteServer &server) override;
    ui::ServerIdentity identify(const QString &url) override;

private:
    bool load(bool isForEngine);
    QString startHere();

    const GlobalOptions &m_options;
    int m_signals = -1;
    Demo m_demo;
    bool m_onFreePort = false, m_isPortTaken = false;
    bool m_demoFilled = false;
    SettingSources m_sources; // of the newest load
    std::optional<SecretTexts> m_secrets; // of the environment, which has them no more after the first load
    LoadedSettings m_loaded; // the engine keeps a reference to its settings: not loaded anew while it runs
    std::optional<LogThread> m_log; // from the first start of an engine on
    std::unique_ptr<Engine> m_engine;
    std::shared_ptr<EngineGate> m_gate; // of m_engine
    std::atomic<bool> m_attached{false};
};

} // namespace llmproxy
