// SPDX-License-Identifier: GPL-3.0-only
// The tests of the console, offscreen and with settings of their own.
#include "style/theme.h"
#include "test_registry.h"

#include <QAccessible>
#include <QApplication>
#include <QSettings>
#include <QTemporaryDir>

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
    return llmproxy::test::runRegistered(QApplication::arguments(), [] { QSettings().clear(); });
}
