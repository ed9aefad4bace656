// SPDX-License-Identifier: GPL-3.0-only
// The icon in the tray: state at a glance, start and stop, notifications. Owned by the window. Thread: GUI.
#pragma once

#include "client/session.h"

#include <QMenu>
#include <QSystemTrayIcon>

namespace llmproxy::ui {

class MainWindow;

class Tray final : public QObject
{
    Q_OBJECT
public:
    Tray(MainWindow &window, Session &session);
    ~Tray() override;
    bool isAvailable() const;
    // A desktop notification, and nothing when the desktop has none.
    void notify(const QString &title, const QString &sentence);

private:
    void update();
    void startOrStop();

    MainWindow &m_window;
    Session &m_session;
    QSystemTrayIcon m_icon;
    QMenu *m_menu; // the window's
    QAction *m_engine;
};

} // namespace llmproxy::ui
