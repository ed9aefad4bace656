// SPDX-License-Identifier: GPL-3.0-only
#include "serve.h"

#include "base/log.h"
#include "demo_setup.h"
#include "engine/engine.h"
#include "output.h"
#include "process.h"

#include <QCoreApplication>
#include <QSocketNotifier>

#include <algorithm>
#include <cstdio>
#include <sys/signalfd.h>
#include <unistd.h>

namespace llmproxy {

namespace {

bool loadForServe(const SettingSources &sources, LoadedSettings &loaded)
{
    loaded = loadForEngine(sources);
    const bool named = std::any_of(loaded.problems.begin(), loaded.problems.end(),
                                   [](const SettingProblem &p) { return p.name.starts_with("MANAGEMENT_TOKEN"); });
    if (loaded.settings.managementToken.isEmpty() && !named && !hasStoredManagementToken(loaded.settings))
        loaded.problems.push_back({"MANAGEMENT_TOKEN", "", std::string(whyManagementToken)});
    printProblems(loaded);
    return loaded.problems.empty();
}

// Runs the event loop until a signal asks to stop.
void waitForStop(Engine &engine, const sigset_t &signals)
{
    const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    QSocketNotifier notifier(fd, QSocketNotifier::Read);
    QObject::connect(&notifier, &QSocketNotifier::activated, [&] {
        signalfd_siginfo info = {};
        while (read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            if (info.ssi_signo == SIGHUP) {
                engine.reopenLogs();
                logInfo("log files reopened");
            } else {
                logInfo("stopping", {{"signal", std::to_string(info.ssi_signo)}});
                QCoreApplication::quit();
            }
        }
    });
    QCoreApplication::exec();
    close(fd);
}

int runEngine(const SettingSources &sources, LoadedSettings &loaded, Demo *demo, const sigset_t &signals)
{
    const Settings &settings = loaded.settings;
    const long files = liftOpenFiles();
    if (files < 2 * settings.maxConnections)
        logWarn("too few open files are allowed for MAX_CONNECTIONS; raise the hard limit (ulimit -Hn)",
                {{"limit", std::to_string(files)}, {"needed", std::to_string(2 * settings.maxConnections)}});
    EngineOptions options;
    options.demo = demo != nullptr;
    options.inUse = serverSettingsInUse(sources, loaded);
    options.needsManagementToken = true;
    Engine engine(settings, options);
    if (const Outcome error = engine.start())
        return complain(*error);
    loaded.settings.forgetSecrets();
    if (demo && !demo->fill(engine))
        return ExitFailed;
    waitForStop(engine, signals);
    engine.requestStop();
    const SecondSignal watch;
    engine.waitStopped();
    logInfo("stopped");
    return ExitOk;
}

} // namespace

int serve(const GlobalOptions &options)
{
    forbidCoreDumps();
    const sigset_t signals = blockSignals({SIGTERM, SIGINT, SIGHUP});
    // The demo has nothing to do with the settings of the folder it is tried in.
    const EnvFilePolicy policy = options.demo ? EnvFilePolicy::OnlyWhenNamed : EnvFilePolicy::WorkingDirectory;
    SettingSources sources = settingSources(options, policy, true);
    addNameLookUp(sources);
    Demo demo;
    if (options.demo)
        demo.prepare(sources);
    LoadedSettings loaded;
    if (!loadForServe(sources, loaded))
        return ExitUsage;
    if (options.demo) {
        if (!demo.settle(sources, loaded))
            return ExitFailed;
        loaded.settings.demo = true;
    }
    const LogThread log;
    if (!openServerLog(loaded.settings))
        return ExitUsage;
    forgetSecrets(sources);
    return runEngine(sources, loaded, options.demo ? &demo : nullptr, signals);
}

} // namespace llmproxy
