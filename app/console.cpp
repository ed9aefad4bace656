// SPDX-License-Identifier: GPL-3.0-only
#include "console.h"

#include "desktop_host.h"
#include "output.h"

#include <QDir>
#include <QFileInfo>
#include <QLibrary>

namespace llmproxy {

namespace {

using ConsoleMain = int (*)(ui::ConsoleHost *host, char *program);

// Next to the program, or where it is installed. Never the library path: it is the user's environment.
QString modulePath()
{
    const QDir here(QFileInfo(QStringLiteral("/proc/self/exe")).symLinkTarget() + QStringLiteral("/.."));
    for (const QString &folder : {QStringLiteral("."), QStringLiteral("../lib/llm-proxy")}) {
        const QString path = QDir::cleanPath(here.absoluteFilePath(folder + QStringLiteral("/libllm-proxy-ui.so")));
        if (QFileInfo::exists(path))
            return path;
    }
    return {};
}

} // namespace

int openConsole(const GlobalOptions &options, char *program)
{
    const QString path = modulePath();
    if (path.isEmpty())
        return complain(ExitUsage, "the console is not installed (libllm-proxy-ui.so); use llm-proxy --serve, or see "
                                   "llm-proxy --help");
    QLibrary module(path);
    const auto run = reinterpret_cast<ConsoleMain>(module.resolve("llmProxyConsole"));
    if (!run)
        return complain(ExitUsage, "the console cannot be opened: " + module.errorString().toStdString());
    const auto isSet = [](const char *name) { return !qEnvironmentVariableIsEmpty(name); };
    if (!isSet("DISPLAY") && !isSet("WAYLAND_DISPLAY") && !isSet("QT_QPA_PLATFORM"))
        return complain(ExitUsage, "there is no display: open it in a desktop session, or run it without one by --serve (--serve --demo)");
    DesktopHost host(options);
    for (const QString &problem : host.settingProblems())
        note(problem.toStdString());
    return run(&host, program);
}

} // namespace llmproxy
