// SPDX-License-Identifier: GPL-3.0-only
#include "shell/console.h"

#include "shell/main_window.h"
#include "shell/screenshots.h"
#include "shell/single_instance.h"
#include "widgets/copy.h"

#include <QApplication>
#include <QLibraryInfo>
#include <QMessageBox>
#include <QSettings>
#include <QSocketNotifier>
#include <QTranslator>

#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int exitUsage = 2;

void install(QApplication &application, const QLocale &locale, const QString &name, const QString &folder)
{
    auto *texts = new QTranslator(&application);
    if (texts->load(locale, name, u"_"_s, folder))
        QApplication::installTranslator(texts);
}

// What is installed last is asked first: Qt's own texts, the language's, and then the English plural forms for whatever is left.
void translate(QApplication &application)
{
    const QString ours = u":/translations"_s;
    if (const QString chosen = QSettings().value(u"language"_s).toString(); !chosen.isEmpty())
        QLocale::setDefault(QLocale(chosen));
    install(application, QLocale(QLocale::English), u"llm-proxy"_s, ours);
    install(application, QLocale(), u"llm-proxy"_s, ours);
    install(application, QLocale(), u"qtbase"_s, QLibraryInfo::path(QLibraryInfo::TranslationsPath));
}

// Signals that ask the program to end: at once and without questions, also from within one. quit() would ask each window first.
void endOnSignals(int descriptor, QObject *parent)
{
    auto *notifier = new QSocketNotifier(descriptor, QSocketNotifier::Read, parent);
    QObject::connect(notifier, &QSocketNotifier::activated, parent, [descriptor] {
        signalfd_siginfo info = {};
        while (read(descriptor, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            if (info.ssi_signo != SIGHUP)
                QApplication::exit();
        }
    });
}

} // namespace

int runConsole(ConsoleHost &host, char *program)
{
    int count = 1;
    char *arguments[] = {program, nullptr};
    QApplication::setApplicationName(u"console"_s);
    QApplication::setOrganizationName(u"llm-proxy"_s);
    QApplication::setApplicationDisplayName(u"LLM Proxy"_s);
    QApplication::setDesktopFileName(u"llm-proxy"_s);
    QApplication::setHighDpiScaleFactorRoundingPolicy(Qt::HighDpiScaleFactorRoundingPolicy::PassThrough);
    QApplication application(count, arguments);
    QApplication::setQuitOnLastWindowClosed(false);
    QSettings::setDefaultFormat(QSettings::IniFormat);
    if (host.isDemo())
        QSettings::setPath(QSettings::IniFormat, QSettings::UserScope, host.demoFolder());
    translate(application);
    Theme::instance().apply(static_cast<Theme::Choice>(QSettings().value(u"appearance"_s).toInt()));
    if (const QStringList problems = host.settingProblems(); !problems.isEmpty()) {
        if (host.screenshotDir().isEmpty())
            QMessageBox::critical(nullptr, u"LLM Proxy"_s, QObject::tr("Some settings cannot be used:") + u"\n\n"_s + problems.join(u'\n'));
        return exitUsage;
    }
    SingleInstance instance(host.dataDir());
    if (instance.raiseOther())
        return 0;
    endOnSignals(host.signalDescriptor(), &application);

    Session session(host);
    MainWindow window(host, session);
    instance.listen([&window] { window.bringUp(); });
    session.useLocal();
    if (!host.screenshotDir().isEmpty())
        return writeScreenshots(window, session, host.screenshotDir());
    window.show();
    const int code = QApplication::exec();
    forgetCopiedSecret();
    return code;
}

} // namespace llmproxy::ui
