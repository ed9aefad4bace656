// SPDX-License-Identifier: GPL-3.0-only
// A list of the management API as a table: one object a row, columns declared with how each is shown, sorted and explained.
// New answers change rows in place, so that selection and scrolling stay. Thread: GUI.
#pragma once

#include "style/theme.h"

#include <QAbstractTableModel>
#include <QJsonArray>
#include <QJsonObject>

#include <functional>
#include <vector>

namespace llmproxy::ui {

struct Column
{
    QString title;
    std::function<QString(const QJsonObject &)> text;
    std::function<QVariant(const QJsonObject &)> sortKey = {};  // default: the text
    std::function<QString(const QJsonObject &)> hover = {};
    std::function<Tone(const QJsonObject &)> tone = {};          // given: shown as a badge
    std::function<double(const QJsonObject &)> share = {};       // given: shown as a meter; below 0: as text
    bool isNumber = false;                                       // aligned right
    int leastWidth = 0;                                          // for rows that come and go: its texts to be
    bool isElastic = false;                                      // gives way when the window is narrow
    bool isExtra = false;                                        // hidden until somebody asks for it
    int yields = 0;                                              // above 0: leaves a narrow window, the lowest number first
};

// The column, leaving a narrow window as the order-th.
inline Column yielding(int order, Column column)
{
    column.yields = order;
    return column;
}

class RowsModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    enum Role { SortRole = Qt::UserRole, ToneRole, ShareRole };

    // key: the field that tells one row from another.
    RowsModel(QString key, std::vector<Column> columns, QObject *parent = nullptr);

    void setRows(const QJsonArray &items);
    void refreshTexts(); // relative times have moved on
    const QJsonObject &row(int index) const { return m_rows.at(index); }
    QString keyOf(int index) const;
    int indexOf(const QString &key) const; // -1: none
    const std::vector<Column> &columns() const { return m_columns; }

    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    const QString m_key;
    const std::vector<Column> m_columns;
    QList<QJsonObject> m_rows;
};

} // namespace llmproxy::ui
