// SPDX-License-Identifier: GPL-3.0-only
#include "models/window_model.h"

#include <algorithm>

namespace llmproxy::ui {

WindowModel::WindowModel(QAbstractItemModel &source, QObject *parent) : QAbstractTableModel(parent), m_source(source)
{
    connect(&source, &QAbstractItemModel::modelReset, this, [this] {
        beginResetModel();
        m_top = 0;
        m_count = std::min(m_room, total());
        endResetModel();
        Q_EMIT windowChanged();
    });
    connect(&source, &QAbstractItemModel::rowsInserted, this, [this](const QModelIndex &, int first, int last) { inserted(first, last - first + 1); });
    connect(&source, &QAbstractItemModel::rowsRemoved, this, &WindowModel::sync);
    connect(&source, &QAbstractItemModel::dataChanged, this, [this](const QModelIndex &from, const QModelIndex &to) {
        const int first = std::max(from.row() - m_top, 0), last = std::min(to.row() - m_top, m_count - 1);
        if (first <= last)
            Q_EMIT dataChanged(index(first, 0), index(last, columnCount() - 1));
    });
}

// At the top, what is new comes into sight; further down what is read stays where it is.
void WindowModel::inserted(int first, int count)
{
    if (first == 0 && m_count > 0)
        Q_EMIT shifted(count);
    if (first < m_top)
        m_top += count;
    sync();
}

void WindowModel::sync()
{
    m_top = std::clamp(m_top, 0, std::max(0, total() - m_room));
    const int count = std::min(m_room, total() - m_top);
    if (count > m_count) {
        beginInsertRows({}, m_count, count - 1);
        m_count = count;
        endInsertRows();
    } else if (count < m_count) {
        beginRemoveRows({}, count, m_count - 1);
        m_count = count;
        endRemoveRows();
    }
    if (m_count > 0)
        Q_EMIT dataChanged(index(0, 0), index(m_count - 1, columnCount() - 1));
    if (m_top + 2 * m_room >= total() && m_source.canFetchMore({}))
        m_source.fetchMore({});
    Q_EMIT windowChanged();
}

void WindowModel::setTop(int sourceRow)
{
    const int wanted = std::clamp(sourceRow, 0, std::max(0, total() - m_room));
    if (wanted == m_top)
        return;
    m_top = wanted;
    sync();
}

void WindowModel::setRoom(int rows)
{
    m_room = std::max(rows, 1);
    sync();
}

int WindowModel::rowCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : m_count;
}

int WindowModel::columnCount(const QModelIndex &parent) const
{
    return parent.isValid() ? 0 : m_source.columnCount();
}

QVariant WindowModel::data(const QModelIndex &index, int role) const
{
    return index.isValid() && m_top + index.row() < total() ? m_source.data(m_source.index(m_top + index.row(), index.column()), role) : QVariant();
}

QVariant WindowModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    return orientation == Qt::Horizontal ? m_source.headerData(section, orientation, role) : QVariant();
}

} // namespace llmproxy::ui
