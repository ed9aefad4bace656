// SPDX-License-Identifier: GPL-3.0-only
// Access tokens: who has one, what it may, what it did, when it ends. Thread: GUI.
#pragma once

#include "models/rows_model.h"
#include "pages/page.h"
#include "widgets/table.h"

#include <QComboBox>
#include <QHash>
#include <QLineEdit>
#include <QTimer>

namespace llmproxy::ui {

class TokensPage final : public Page
{
    Q_OBJECT
public:
    explicit TokensPage(Console &console);
    void refresh() override;
    void forget() override;
    void open(const QVariantMap &what) override;

protected:
    void reconnected() override;

private:
    void buildActions();
    void buildFilters();
    void buildTable();
    void updateActions();
    void loadProjects();
    void loadTokens();
    QString projectName(const QString &id) const;
    QString providerOf(const QString &projectId) const;
    void create(const QString &projectId);
    void runWithToken();
    QString projectToRun() const; // empty: any
    QString whyNothingRuns() const; // for the tool tip; empty: it can
    void showNew(const QJsonObject &token);
    void edit();
    void refreshToken();
    void revokeSelected();
    void revokeAll();
    static QString streamsText(int streams);
    int streamsOf(const QSet<QString> &ids, const QString &projectId) const;

    RowsModel *m_model;
    Table *m_table;
    EmptyState *m_empty = nullptr;
    QLineEdit *m_search;
    QComboBox *m_state, *m_project;
    QLabel *m_more;
    QAction *m_create, *m_edit, *m_refresh, *m_revoke, *m_revokeAll, *m_run, *m_events, *m_copyId;
    QJsonArray m_projects;
    QHash<QString, QJsonObject> m_projectById;
    QString m_createFor;     // a project that somebody was sent here for
    bool m_createAsked = false;
    bool m_projectsKnown = false; // of the server that is looked after
    QJsonArray m_running;    // requests that run, from the live feed
    bool m_isUsed = false;   // tokens were used since they were read
    QTimer m_typing, m_clock, m_counts;
};

} // namespace llmproxy::ui
