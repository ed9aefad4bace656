// SPDX-License-Identifier: GPL-3.0-only
// What every page is: a title with actions, a body, and a refresh. Pages know requests and answers, never which server gives
// them. Owned by the window. Thread: GUI.
#pragma once

#include "client/client.h"
#include "client/engine_control.h"
#include "client/live_watch.h"
#include "client/project_names.h"
#include "widgets/parts.h"
#include "widgets/toast.h"

#include <QAction>
#include <QVariantMap>
#include <QWidget>

namespace llmproxy::ui {

// What pages share. Owned by the window.
struct Console
{
    ConsoleHost &host;
    Client &client;
    EngineControl &engine;
    LiveWatch &live;
    ProjectNames &projects;
    Toast *toast = nullptr;
    // Opens another page; what: e.g. {"project_id": …}.
    std::function<void(const QString &page, const QVariantMap &what)> open;
};

class Page : public QWidget
{
    Q_OBJECT
public:
    Page(Console &console, const QString &id, const QString &title, const QString &subtitle);

    const QString &id() const { return m_id; }
    const QString &title() const { return m_title; }
    // Of the navigation and the palette: a name in resources/icons.
    const QString &iconName() const { return m_icon; }
    void setIconName(const QString &icon) { m_icon = icon; }
    // It came into sight, or what it shows may have changed.
    virtual void refresh() = 0;
    // Where the keyboard is when somebody comes here.
    QWidget *start() { return m_start ? m_start : this; }
    // Another server is shown: what is on screen, typed or chosen is not of it.
    virtual void forget() {}
    // Something would be lost if the program ended now, in a sentence; empty: nothing.
    virtual QString unsaved() const { return {}; }
    // Another page sends somebody here.
    virtual void open(const QVariantMap &what);

protected:
    // The same server or another was connected anew; before what it shows is read again.
    virtual void reconnected() {}
    void showEvent(QShowEvent *event) override;
    // In a narrow window buttons with icons show these alone; so a page may be narrower than its buttons' texts.
    void resizeEvent(QResizeEvent *event) override;
    QSize minimumSizeHint() const override;
    // An action with its shortcut, found by the command palette; valid on this page.
    QAction *act(const QString &text, const QString &icon, const QKeySequence &shortcut, const std::function<void()> &done);
    // A button for it in the title row.
    QPushButton *addHeaderButton(QAction *action, const char *role = nullptr);
    static QPushButton *buttonOf(QAction *action, const char *role = nullptr);
    // It has room of its own: its text stays.
    static QPushButton *wideButtonOf(QAction *action);
    void startAt(QWidget *widget) { m_start = widget; } // not a focus proxy: that takes the widget out of Tab's order
    // Says what went wrong under the title; empty: nothing.
    void setProblem(const QString &sentence);
    // For answers of changes: says the sentence, or what went wrong.
    bool told(const Reply &reply, const QString &sentence = {});

    Client &client() const { return m_console.client; }
    QVBoxLayout *body() const { return m_body; }

    Console &m_console;

private:
    void fold(bool isFolded);

    const QString m_id, m_title;
    int m_unfoldedWidth = 0; // that it needs with all texts
    bool m_isFolded = false;
    QString m_icon;
    QWidget *m_start = nullptr;
    QHBoxLayout *m_actions;
    QLabel *m_problem;
    QVBoxLayout *m_body;
};

} // namespace llmproxy::ui
