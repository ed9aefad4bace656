// SPDX-License-Identifier: GPL-3.0-only
// Every declared setting of the server, as its declaration says, and those of this console. Thread: GUI.
#pragma once

#include "client/session.h"
#include "pages/page.h"
#include "pages/settings/setting_row.h"

#include <QJsonArray>
#include <QLineEdit>
#include <QListWidget>
#include <QScrollArea>
#include <QTimer>

namespace llmproxy::ui {

class SettingsPage final : public Page
{
    Q_OBJECT
public:
    SettingsPage(Console &console, Session &session);
    void refresh() override;
    void forget() override;
    QString unsaved() const override;
    void open(const QVariantMap &what) override; // {"group": …}

private:
    void rebuild(const QJsonObject &answer);
    void filter();
    SettingRow *makeRow(qsizetype index);
    QList<SettingRow *> rows() const; // that are made: others are as they are saved
    SettingRow *rowOf(const QString &name) const; // null: there is none
    QJsonArray changes() const;
    void check();
    void save();
    void showSaved(const Reply &reply, const QHash<QString, QString> &sent); // sent: all texts, by name
    void showRefusal(const Reply &reply);
    QWidget *makeConsoleGroup();

    Session &m_session;
    QLineEdit *m_search;
    QListWidget *m_groups;
    QScrollArea *m_area;
    QVBoxLayout *m_list;
    QWidget *m_consoleGroup;
    QFrame *m_restart;
    QAction *m_save, *m_discard;
    QJsonArray m_settings;      // as the server has them
    QList<SettingRow *> m_rows; // of each; null: not made yet
    QTimer m_typing;
    QString m_wantedGroup; // once they are known; empty: the one that is chosen
};

} // namespace llmproxy::ui
