// SPDX-License-Identifier: GPL-3.0-only
// The window: navigation on the left, a page on the right, a banner when the server is lost. Owned by runConsole(). Thread: GUI.
#pragma once

#include "client/session.h"
#include "pages/page.h"

#include <QButtonGroup>
#include <QMainWindow>
#include <QStackedWidget>

namespace llmproxy::ui {

class Tray;

class MainWindow final : public QMainWindow
{
    Q_OBJECT
public:
    MainWindow(ConsoleHost &host, Session &session);
    ~MainWindow() override;

    void openPage(const QString &id, const QVariantMap &what = {});
    const QList<Page *> &pages() const { return m_pages; }
    Console &console() { return m_console; }
    void quit(); // ends the program, after a question where something would be lost or cut
    void welcome(); // the three steps of the first run
    void bringUp(); // from wherever it is: hidden, minimised, behind others

private:
    void closeEvent(QCloseEvent *event) override;
    QWidget *makeNavigation();
    QWidget *makeBanner();
    void addPage(Page *page, const QString &icon);
    void updateState();
    void chooseServer();
    void openPalette();
    void firstOverview();
    void tryAgain();
    bool mayClose();

    Session &m_session;
    Console m_console;
    QStackedWidget *m_stack;
    QVBoxLayout *m_navigation = nullptr;
    QButtonGroup *m_buttons;
    QList<Page *> m_pages;
    Badge *m_state = nullptr;
    QPushButton *m_server = nullptr;
    QFrame *m_banner = nullptr;
    QLabel *m_bannerText = nullptr;
    QPushButton *m_again = nullptr, *m_elsewhere = nullptr; // of the banner
    Tray *m_tray = nullptr;
    bool m_greeted = false;
};

} // namespace llmproxy::ui
