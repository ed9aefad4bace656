// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/table.h"

#include "models/rows_model.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QSettings>
#include <QSortFilterProxyModel>
#include <QStyledItemDelegate>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int heightOfRow = 34;

// Draws a badge or a meter where the model gives a tone or a share.
class CellDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const QVariant tone = index.data(RowsModel::ToneRole);
        const QVariant share = index.data(RowsModel::ShareRole);
        if (!tone.isValid() && !share.isValid()) {
            QStyledItemDelegate::paint(painter, option, index);
            return;
        }
        QStyleOptionViewItem empty = option;
        initStyleOption(&empty, index);
        empty.text.clear();
        option.widget->style()->drawControl(QStyle::CE_ItemViewItem, &empty, painter, option.widget);
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        const QRect cell = option.rect.adjusted(10, 0, -8, 0);
        tone.isValid() ? paintBadge(painter, option, cell, index, static_cast<Tone>(tone.toInt())) : paintMeter(painter, option, cell, index, share.toDouble());
        painter->restore();
    }

private:
    static void paintBadge(QPainter *painter, const QStyleOptionViewItem &option, const QRect &cell, const QModelIndex &index, Tone tone)
    {
        painter->setPen(Qt::NoPen);
        painter->setBrush(Theme::instance().tone(tone));
        painter->drawEllipse(QPointF(cell.left() + 4, cell.center().y() + 0.5), 4, 4);
        painter->setPen(Theme::instance().colors().text);
        const QRect text = cell.adjusted(15, 0, 0, 0);
        painter->drawText(text, Qt::AlignVCenter, option.fontMetrics.elidedText(index.data().toString(), Qt::ElideRight, text.width()));
    }

    static void paintMeter(QPainter *painter, const QStyleOptionViewItem &option, const QRect &cell, const QModelIndex &index, double share)
    {
        const Theme &theme = Theme::instance();
        painter->setPen(theme.colors().text);
        painter->drawText(cell.adjusted(0, 2, 0, -9), Qt::AlignVCenter,
                          option.fontMetrics.elidedText(index.data().toString(), Qt::ElideRight, cell.width()));
        const QRectF bar(cell.left(), cell.bottom() - 8, cell.width(), 4);
        painter->setPen(Qt::NoPen);
        painter->setBrush(theme.colors().border);
        painter->drawRoundedRect(bar, 2, 2);
        painter->setBrush(theme.tone(share > 0.95 ? Tone::Bad : share > 0.8 ? Tone::Warn : Tone::Info));
        if (share > 0)
            painter->drawRoundedRect(QRectF(bar.topLeft(), QSizeF(std::max(4.0, bar.width() * std::min(share, 1.0)), bar.height())), 2, 2);
    }
};

} // namespace

Table::Table(const QString &settingsName, const QString &accessibleName, QWidget *parent) : QTableView(parent), m_name(settingsName)
{
    setAccessibleName(accessibleName);
    setItemDelegate(new CellDelegate(this));
    setSelectionBehavior(SelectRows);
    setSelectionMode(ExtendedSelection);
    setEditTriggers(NoEditTriggers);
    setShowGrid(false);
    setWordWrap(false);
    setTabKeyNavigation(false); // Tab leaves the table
    setHorizontalScrollMode(ScrollPerPixel);
    setContextMenuPolicy(Qt::CustomContextMenu);
    verticalHeader()->hide();
    verticalHeader()->setDefaultSectionSize(heightOfRow);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setSectionsMovable(true);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setMinimumSectionSize(60);
    connect(this, &QTableView::doubleClicked, this, [this](const QModelIndex &index) { Q_EMIT opened(index.row()); });
}

Table::~Table()
{
    saveColumns();
}

void Table::setModel(QAbstractItemModel *model)
{
    QTableView::setModel(model);
    connect(model, &QAbstractItemModel::modelReset, this, &Table::placeEmpty);
    connect(model, &QAbstractItemModel::rowsInserted, this, &Table::placeEmpty);
    connect(model, &QAbstractItemModel::rowsRemoved, this, &Table::placeEmpty);
    restoreColumns();
    placeEmpty();
}

QSortFilterProxyModel *Table::setSortedRows(RowsModel *rows, int column, Qt::SortOrder order)
{
    auto *sorted = new QSortFilterProxyModel(this);
    sorted->setSourceModel(rows);
    sorted->setSortRole(RowsModel::SortRole);
    sorted->setSortCaseSensitivity(Qt::CaseInsensitive);
    setModel(sorted);
    setSortingEnabled(true);
    sortByColumn(column, order);
    return sorted;
}

QList<QJsonObject> Table::selectedObjects() const
{
    const auto *sorted = qobject_cast<const QSortFilterProxyModel *>(model());
    const auto *rows = sorted ? qobject_cast<const RowsModel *>(sorted->sourceModel()) : nullptr;
    QList<QJsonObject> objects;
    for (const int row : rows ? selectedRows() : QList<int>())
        objects.append(rows->row(sorted->mapToSource(sorted->index(row, 0)).row()));
    return objects;
}

void Table::setMenu(const QList<QAction *> &actions)
{
    connect(this, &QWidget::customContextMenuRequested, this, [this, actions](const QPoint &point) {
        QMenu menu;
        menu.addActions(actions);
        menu.exec(viewport()->mapToGlobal(point));
    });
}

void Table::restoreColumns()
{
    if (horizontalHeader()->restoreState(QSettings().value(u"columns/"_s + m_name).toByteArray()))
        return;
    const QAbstractItemModel *source = model();
    if (const auto *proxy = qobject_cast<const QSortFilterProxyModel *>(source))
        source = proxy->sourceModel();
    if (const auto *rows = qobject_cast<const RowsModel *>(source)) {
        for (int i = 0; i < rows->columnCount(); ++i)
            setColumnWidth(i, rows->columns().at(static_cast<size_t>(i)).width);
    }
}

void Table::saveColumns() const
{
    if (model())
        QSettings().setValue(u"columns/"_s + m_name, horizontalHeader()->saveState());
}

void Table::setEmptyState(EmptyState *state)
{
    m_empty = state;
    m_empty->setParent(viewport());
    placeEmpty();
}

void Table::setBusy(bool busy)
{
    m_busy = busy;
    placeEmpty();
}

void Table::placeEmpty()
{
    if (!m_empty)
        return;
    m_empty->setGeometry(viewport()->rect());
    m_empty->setVisible(!m_busy && (!model() || model()->rowCount() == 0));
}

QList<int> Table::selectedRows() const
{
    QList<int> rows;
    if (selectionModel()) {
        for (const QModelIndex &index : selectionModel()->selectedRows())
            rows.append(index.row());
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

void Table::keyPressEvent(QKeyEvent *event)
{
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && currentIndex().isValid()) {
        Q_EMIT opened(currentIndex().row());
        return;
    }
    QTableView::keyPressEvent(event);
}

void Table::resizeEvent(QResizeEvent *event)
{
    QTableView::resizeEvent(event);
    placeEmpty();
}

void Table::selectionChanged(const QItemSelection &selected, const QItemSelection &deselected)
{
    QTableView::selectionChanged(selected, deselected);
    Q_EMIT selectionMoved();
}

} // namespace llmproxy::ui
