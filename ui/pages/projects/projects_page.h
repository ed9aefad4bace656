// SPDX-License-Identifier: GPL-3.0-only
// Projects and their provider keys. Thread: GUI.
#pragma once

#include "models/rows_model.h"
#include "pages/page.h"
#include "widgets/table.h"

#include <QLineEdit>
#include <QSortFilterProxyModel>

namespace llmproxy::ui {

class ProjectsPage final : public Page
{
    Q_OBJECT
public:
    explicit ProjectsPage(Console &console);
    void refresh() override;
    void forget() override;
    void open(const QVariantMap &what) override;

private:
    void goTo(const QVariantMap &what);
    QJsonObject selected() const; // empty: none, or several
    void updateActions();
    void create();
    void edit();
    void rotate();
    void toggle();
    void setActive(const QJsonObject &project, bool active);
    void remove();
    void runWithToken();

    RowsModel *m_model;
    Table *m_table;
    QSortFilterProxyModel *m_sorted; // the table's
    QLineEdit *m_search;
    QVariantMap m_wanted; // as it was opened, until the list is there
    QAction *m_edit, *m_rotate, *m_toggle, *m_tokens, *m_events, *m_run, *m_remove;
};

} // namespace llmproxy::ui
