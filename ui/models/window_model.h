// SPDX-License-Identifier: GPL-3.0-only
// A few rows of a very long model, those that a view has room for: a QTableView keeps 8 bytes for each row it knows, which at ten
// million rows is more than all the rest of the console. Thread: GUI.
#pragma once

#include <QAbstractTableModel>

namespace llmproxy::ui {

class WindowModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    explicit WindowModel(QAbstractItemModel &source, QObject *parent = nullptr);

    void setTop(int sourceRow); // the first row that is shown; kept inside
    void setRoom(int rows);     // how many fit
    int top() const { return m_top; }
    int room() const { return m_room; }
    int total() const { return m_source.rowCount(); }
    int sourceRow(int row) const { return m_top + row; }

    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

Q_SIGNALS:
    void windowChanged(); // top or total
    void shifted(int rows); // so many were put in before what is shown, or before its first row

private:
    void sync();
    void inserted(int first, int count);

    QAbstractItemModel &m_source;
    int m_top = 0, m_room = 1, m_count = 0;
};

} // namespace llmproxy::ui
