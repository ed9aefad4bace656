// SPDX-License-Identifier: GPL-3.0-only
// The one table: badges and meters as the model says, columns as wide as their texts and as the window allows until a person
// makes them otherwise (that is remembered), an empty state over it, keys for everything.
// Thread: GUI.
#pragma once

#include "widgets/column_fit.h"
#include "widgets/parts.h"

#include <QJsonObject>
#include <QTableView>

class QSortFilterProxyModel;

namespace llmproxy::ui {

class RowsModel;

// Of rows that cannot be measured: a text as long as most.
struct SampleColumn
{
    QString text;
    bool isBadge = false, isElastic = false;
    int yields = 0; // see ColumnSize
};

class Table final : public QTableView
{
    Q_OBJECT
public:
    // name: for the remembered columns and for people who do not see it.
    Table(const QString &settingsName, const QString &accessibleName, QWidget *parent = nullptr);
    ~Table() override;

    void setModel(QAbstractItemModel *model) override;
    // Rows that are sorted here, by the model's sort keys; the proxy is for filtering and for finding a row.
    QSortFilterProxyModel *setSortedRows(RowsModel *rows, int column, Qt::SortOrder order);
    // Of sorted rows, in the order on screen.
    QList<QJsonObject> selectedObjects() const;
    // What the context menu offers.
    void setMenu(const QList<QAction *> &actions);
    // In place of measuring; what a person chose stays.
    void setSizes(const std::vector<SampleColumn> &columns);
    // Shown while the model is empty.
    void setEmptyState(EmptyState *state);
    void setBusy(bool busy); // nothing is known yet: no empty state
    QList<int> selectedRows() const; // rows of the model it shows, sorted
    // Some texts depend on the time: those in sight are drawn again where they changed.
    void repaintTexts();

Q_SIGNALS:
    void opened(int row);       // Enter or double click
    void selectionMoved();

private:
    void keyPressEvent(QKeyEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void selectionChanged(const QItemSelection &selected, const QItemSelection &deselected) override;
    bool restoreColumns();
    void saveColumns() const;
    void fitLater();
    std::vector<ColumnSize> measuredSizes();
    void fitColumns();
    void offerColumns(const QPoint &point);
    void placeEmpty();

    const QString m_name;
    std::vector<ColumnSize> m_sizes; // given; else the rows are measured
    EmptyState *m_empty = nullptr;
    QStringList m_seen; // the texts that were in sight at the last repaintTexts()
    bool m_busy = true;
    bool m_isOwn = false;     // a person chose the columns: they stay as they are
    bool m_isFitting = false;
    bool m_isFitted = false;  // to rows, not only to titles
};

} // namespace llmproxy::ui
