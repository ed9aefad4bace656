// SPDX-License-Identifier: GPL-3.0-only
// Runs every registered test of the console, offscreen and with settings of its own; the exit status is the number of failed ones.
#include "style/theme.h"
#include "test_registry.h"

#include <QAccessible>
#include <QApplication>
#include <QSettings>
#include <QTemporaryDir>

namespace llmproxy::test {

std::vector<Registered> &registry()
{
    static std::vector<Registered> tests;
    return tests;
}

} // namespace llmproxy::test

int main(int argc, char **argv)
{
    qputenv("QT_QPA_PLATFORM", "offscreen");
    const QTemporaryDir settings;
    QSettings::setDefaultFormat(QSettings::IniFormat);
    QSettings::setPath(QSettings::IniFormat, QSettings::UserScope, settings.path());
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    QApplication app(argc, argv);
    QApplication::setOrganizationName(QStringLiteral("llm-proxy"));
    QApplication::setApplicationName(QStringLiteral("console"));
    QApplication::setQuitOnLastWindowClosed(false);
    llmproxy::ui::Theme::instance().apply(llmproxy::ui::Theme::Choice::Light);
    QAccessible::setActive(true);
    const QStringList wanted = QApplication::arguments().mid(1);
    int failed = 0, ran = 0;
    for (const auto &test : llmproxy::test::registry()) {
        if (!wanted.isEmpty() && !wanted.contains(QLatin1String(test.name)))
            continue;
        ++ran;
        QSettings().clear();
        const std::unique_ptr<QObject> object(test.create());
        failed += QTest::qExec(object.get(), {QApplication::arguments().first(), QStringLiteral("-silent")}) != 0;
    }
    if (ran == 0) {
        qCritical("no test of that name");
        return 1;
    }
    return failed;
}
