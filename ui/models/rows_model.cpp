// SPDX-License-Identifier: GPL-3.0-only
#include "models/rows_model.h"

#include "style/format.h"

#include <QHash>
#include <QSet>

namespace llmproxy::ui {

RowsModel::RowsModel(QString key, std::vector<Column> columns, QObject *parent)
    : QAbstractTableModel(parent), m_key(std::move(key)), m_columns(std::move(columns))
{
}

QString RowsModel::keyOf(int index) const
{
    return m_rows.at(index).value(m_key).toVariant().toString();
}

int RowsModel::indexOf(const QString &key) const
{
    for (int i = 0; i < m_rows.size(); ++i) {
        if (keyOf(i) == key)
            return i;
    }
    return -1;
}

// Rows that went are removed, known ones changed in place, new ones appended: views sort by themselves.
void RowsModel::setRows(const QJsonArray &items)
{
    QHash<QString, QJsonObject> wanted;
    QStringList order;
    for (const QJsonValue &item : items) {
        const QJsonObject object = item.toObject();
        const QString key = object.value(m_key).toVariant().toString();
        if (!wanted.contains(key))
            order.append(key);
        wanted.insert(key, object);
    }
    for (int i = static_cast<int>(m_rows.size()) - 1; i >= 0; --i) {
        int first = i;
        while (first >= 0 && !wanted.contains(keyOf(first)))
            --first;
        if (first == i)
            continue;
        beginRemoveRows({}, first + 1, i);
        m_rows.remove(first + 1, i - first);
        endRemoveRows();
        i = first + 1;
    }
    for (int i = 0; i < m_rows.size(); ++i) {
        const QJsonObject now = wanted.take(keyOf(i));
        if (now == m_rows.at(i))
            continue;
        m_rows[i] = now;
        Q_EMIT dataChanged(index(i, 0), index(i, columnCount() - 1));
    }
    if (wanted.isEmpty())
        return;
    const auto first = static_cast<int>(m_rows.size());
    beginInsertRows({}, first, first + static_cast<int>(wanted.size()) - 1);
    for (const QString &key : order) {
        if (wanted.contains(key))
            m_rows.append(wanted.take(key));
    }
    endInsertRows();
}

void RowsModel::refreshTexts()
{
    if (!m_rows.isEmpty())
        Q_EMIT dataChanged(index(0, 0), index(static_cast<int>(m_rows.size()) - 1, columnCount() - 1), {Qt::DisplayRole});
}

int RowsModel::rowCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int RowsModel::columnCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_columns.size());
}

QVariant RowsModel::data(const QModelIndex &index, int role) const
{
    if (!index.isValid())
        return {};
    const QJsonObject &row = m_rows.at(index.row());
    const Column &column = m_columns.at(static_cast<size_t>(index.column()));
    switch (role) {
    case Qt::DisplayRole:
        return shown(column.text(row), longestCell);
    case Qt::ToolTipRole:
        return column.hover ? shown(column.hover(row)) : QVariant();
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(column.isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case SortRole:
        return column.sortKey ? column.sortKey(row) : QVariant(column.text(row));
    case ToneRole:
        return column.tone ? QVariant(static_cast<int>(column.tone(row))) : QVariant();
    case ShareRole:
        return column.share && column.share(row) >= 0 ? QVariant(column.share(row)) : QVariant();
    default:
        return {};
    }
}

QVariant RowsModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
        return {};
    const Column &column = m_columns.at(static_cast<size_t>(section));
    if (role == Qt::DisplayRole)
        return column.title;
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(Qt::Alignment(column.isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return {};
}

} // namespace llmproxy::ui
