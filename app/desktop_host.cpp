// SPDX-License-Identifier: GPL-3.0-only
#include "desktop_host.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "engine/listen_plan.h"
#include "engine_gate.h"
#include "output.h"
#include "process.h"
#include "server_identity.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace llmproxy {

namespace {

llmproxy::Query queryOf(const ui::Query &query)
{
    llmproxy::Query pairs;
    for (const auto &[name, value] : query)
        pairs.emplace_back(name.toStdString(), value.toStdString());
    return pairs;
}

ui::Reply replyOf(const ApiAnswer &answer)
{
    return {answer.status, answer.body, fromText(answer.problem)};
}

ui::Reply stopped()
{
    ui::Reply none;
    none.problem = QStringLiteral("the engine is stopped");
    return none;
}

class ClientPeer final : public ui::Peer
{
public:
    explicit ClientPeer(std::unique_ptr<ManagementClient> client) : m_client(std::move(client)) {}

    ui::Reply call(const QByteArray &method, const QString &path, const ui::Query &query, const QByteArray &body) override
    {
        return replyOf(m_client->call(method.toStdString(), path.toStdString(), queryOf(query), body));
    }

    ui::Reply stream(const QString &path, const ui::Query &query, const Sink &sink) override
    {
        return replyOf(m_client->download(path.toStdString(), queryOf(query), [&](std::string_view bytes) {
            return sink(QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size())));
        }));
    }

    void abort() override { m_client->abort(); }

private:
    std::unique_ptr<ManagementClient> m_client;
};

// The engine of this process. Its feed comes over the control socket: front serves it.
class EnginePeer final : public ui::Peer
{
public:
    EnginePeer(std::shared_ptr<EngineGate> gate, Engine &engine, std::unique_ptr<ManagementClient> socket)
        : m_gate(std::move(gate)), m_direct(clientOfEngine(engine, "console")), m_feed(std::move(socket))
    {
    }

    ui::Reply call(const QByteArray &method, const QString &path, const ui::Query &query, const QByteArray &body) override
    {
        const EngineGate::Pass pass(*m_gate);
        return pass ? m_direct.call(method, path, query, body) : stopped();
    }

    ui::Reply stream(const QString &path, const ui::Query &query, const Sink &sink) override
    {
        if (path == QLatin1String("/manage/events"))
            return m_feed.stream(path, query, sink);
        const EngineGate::Pass pass(*m_gate);
        return pass ? m_direct.stream(path, query, sink) : stopped();
    }

private:
    const std::shared_ptr<EngineGate> m_gate;
    ClientPeer m_direct, m_feed;
};

} // namespace

DesktopHost::DesktopHost(const GlobalOptions &options) : m_options(options)
{
    forbidCoreDumps();
    const sigset_t signals = blockSignals({SIGTERM, SIGINT, SIGHUP});
    m_signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    load(false);
}

DesktopHost::~DesktopHost()
{
    {
        const SecondSignal watch;
        stopEngine();
    }
    if (m_signals >= 0)
        close(m_signals);
}

// Settings saved in the console count from the next start of the engine, so each start reads anew.
bool DesktopHost::load(bool isForEngine)
{
    m_sources = settingSources(m_options, EnvFilePolicy::OnlyWhenNamed, false);
    if (isForEngine) // not while the window is made: it may block
        addNameLookUp(m_sources);
    if (!m_secrets)
        m_secrets = m_sources.secrets;
    m_sources.secrets = *m_secrets;
    if (m_options.demo)
        m_demo.prepare(m_sources);
    m_loaded = loadForEngine(m_sources);
    if (m_onFreePort && m_loaded.problems.empty()) {
        m_sources.flags["LISTEN_ADDR"] = listenText(onFreePorts(m_loaded.settings.listen));
        m_loaded = loadSettings(m_sources);
    }
    if (m_loaded.problems.empty() && m_options.demo && !m_demo.settle(m_sources, m_loaded))
        m_loaded.problems.push_back({"DATA_DIR", "", "no temporary folder can be made for the demo"});
    m_loaded.settings.demo = m_options.demo;
    return m_loaded.problems.empty();
}

QString DesktopHost::dataDir() const
{
    return fromText(m_loaded.settings.dataDir);
}

QString DesktopHost::demoFolder() const
{
    return fromText(m_demo.folder());
}

void DesktopHost::shiftDemoClock(qint64 ms)
{
    if (m_options.demo)
        Clock::advanceForTest(ms);
}

QString DesktopHost::screenshotDir() const
{
    return fromText(m_options.screenshots);
}

QStringList DesktopHost::settingProblems() const
{
    QStringList sentences;
    for (const SettingProblem &problem : m_loaded.problems)
        sentences.append(fromText(problemText(problem)));
    return sentences;
}

QString DesktopHost::startEngine(bool onFreePort)
{
    if (m_engine)
        return {};
    m_onFreePort = m_onFreePort || onFreePort;
    m_isPortTaken = false;
    if (!load(true))
        return settingProblems().join(QLatin1Char('\n'));
    m_attached = dataDirOwner(m_loaded.settings.dataDir).held;
    if (const Outcome error = checkDataDir(m_loaded.settings.dataDir, m_attached))
        return fromText(error->message);
    return m_attached ? QString() : startHere();
}

QString DesktopHost::startHere()
{
    if (!m_log)
        m_log.emplace();
    openServerLog(m_loaded.settings);
    liftOpenFiles();
    EngineOptions options;
    options.inUse = serverSettingsInUse(m_sources, m_loaded);
    options.demo = true; // the demo provider is there to try things with, whoever wants it
    auto engine = std::make_unique<Engine>(m_loaded.settings, options);
    if (const Outcome error = engine->start()) {
        m_isPortTaken = llmproxy::isPortTaken(m_loaded.settings.listen);
        return fromText(error->message);
    }
    m_engine = std::move(engine);
    m_gate = std::make_shared<EngineGate>();
    if (m_options.demo && !m_demoFilled)
        m_demoFilled = m_demo.fill(*m_engine);
    return {};
}

void DesktopHost::stopEngine()
{
    if (!m_engine)
        return;
    using namespace std::chrono_literals;
    m_gate->close();
    m_gate->waitEmpty(2s); // what is short ends by itself
    m_engine->requestStop();
    m_engine->waitStopped(); // ends jobs
    m_gate->waitEmpty(1min);
    m_engine.reset();
}

qint64 DesktopHost::runningRequests() const
{
    return m_engine ? m_engine->runningRequests() : 0;
}

std::unique_ptr<ui::Peer> DesktopHost::local()
{
    auto socket = clientOfSocket(controlSocketOf(m_loaded.settings.dataDir), "console");
    if (!m_engine)
        return std::make_unique<ClientPeer>(std::move(socket));
    return std::make_unique<EnginePeer>(m_gate, *m_engine, std::move(socket));
}

std::unique_ptr<ui::Peer> DesktopHost::remote(const ui::RemoteServer &server)
{
    const std::string url = serverUrl(server.url.toStdString());
    return std::make_unique<ClientPeer>(clientOfUrl(url, m_loaded.settings, server.token ? server.token->clone() : Secret(), server.pin.toStdString()));
}

ui::ServerIdentity DesktopHost::identify(const QString &url)
{
    const std::string address = serverUrl(url.toStdString());
    if (address.empty() || address.rfind("https:", 0) != 0) {
        ui::ServerIdentity none;
        none.problem = QStringLiteral("not an address of a server; write https://host[:port]");
        return none;
    }
    return identifyServer(address, m_loaded.settings);
}

} // namespace llmproxy
