// SPDX-License-Identifier: GPL-3.0-only
#include "console.h"

#include "desktop_host.h"
#include "output.h"

#include <QDir>
#include <QFileInfo>
#include <QLibrary>

#include <unistd.h>

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

QtMessageHandler messagesBefore = nullptr;

// Qt ends a program whose display it cannot open with abort(), after three sentences of its own.
void sayWithoutDisplay(QtMsgType type, const QMessageLogContext &context, const QString &message)
{
    if (type == QtFatalMsg && message.contains(QLatin1String("platform plugin"))) {
        const auto of = [](const char *name) { return qEnvironmentVariable(name).toStdString(); };
        const std::string display = !of("QT_QPA_PLATFORM").empty() ? "QT_QPA_PLATFORM=" + of("QT_QPA_PLATFORM") : !of("WAYLAND_DISPLAY").empty() ? "WAYLAND_DISPLAY=" + of("WAYLAND_DISPLAY") : "DISPLAY=" + of("DISPLAY");
        _exit(complain(ExitUsage, "the display cannot be opened (" + display + "): open the console in a desktop session, or run the proxy without one by --serve"));
    }
    const bool isBefore = message.contains(QLatin1String("could not connect to display")) || message.contains(QLatin1String("Could not load the Qt platform plugin"));
    if (!isBefore && messagesBefore)
        messagesBefore(type, context, message);
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
    messagesBefore = qInstallMessageHandler(sayWithoutDisplay);
    DesktopHost host(options);
    for (const QString &problem : host.settingProblems())
        note(problem.toStdString());
    return run(&host, program);
}

} // namespace llmproxy
