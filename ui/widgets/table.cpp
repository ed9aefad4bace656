// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/table.h"

#include "models/rows_model.h"
#include "style/format.h"

#include <QApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QSettings>
#include <QSortFilterProxyModel>
#include <QHelpEvent>
#include <QStyledItemDelegate>
#include <QToolTip>

#include <cmath>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int heightOfRow = 34, widthOfDot = 15;
constexpr int leastWidth = 60, mostWidth = 320; // of a column, unless a person makes it otherwise
constexpr int besideText = 26;                  // of a cell: its padding and margins

const RowsModel *rowsOf(const QAbstractItemModel *model)
{
    const auto *sorted = qobject_cast<const QSortFilterProxyModel *>(model);
    return qobject_cast<const RowsModel *>(sorted ? sorted->sourceModel() : model);
}

// Draws a badge or a meter where the model gives a tone or a share.
class CellDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const QSize size = QStyledItemDelegate::sizeHint(option, index);
        return index.data(RowsModel::ToneRole).isValid() ? size + QSize(widthOfDot, 0) : size;
    }

    void paint(QPainter *painter, const QStyleOptionViewItem &shown, const QModelIndex &index) const override
    {
        QStyleOptionViewItem option = shown;
        option.state &= ~QStyle::State_HasFocus; // rows are chosen, not cells
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

    // What the model says of the cell; else the text that does not fit into it.
    bool helpEvent(QHelpEvent *event, QAbstractItemView *view, const QStyleOptionViewItem &option, const QModelIndex &index) override
    {
        if (event->type() != QEvent::ToolTip)
            return QStyledItemDelegate::helpEvent(event, view, option, index);
        const QRect cell = view->visualRect(index);
        QString text = index.data(Qt::ToolTipRole).toString();
        if (text.isEmpty() && sizeHint(option, index).width() > cell.width())
            text = index.data().toString();
        QToolTip::showText(event->globalPos(), asPlainTip(text), view->viewport(), cell);
        return true;
    }

private:
    static void paintBadge(QPainter *painter, const QStyleOptionViewItem &option, const QRect &cell, const QModelIndex &index, Tone tone)
    {
        painter->setPen(Qt::NoPen);
        painter->setBrush(Theme::instance().tone(tone));
        painter->drawEllipse(QPointF(cell.left() + 4, cell.center().y() + 0.5), 4, 4);
        painter->setPen(Theme::instance().colors().text);
        const QRect text = cell.adjusted(widthOfDot, 0, 0, -2);
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
    horizontalHeader()->setMinimumSectionSize(leastWidth);
    horizontalHeader()->setContextMenuPolicy(Qt::CustomContextMenu);
    horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    connect(horizontalHeader(), &QWidget::customContextMenuRequested, this, &Table::offerColumns);
    connect(horizontalHeader(), &QHeaderView::sectionMoved, this, [this] { m_isOwn = true; });
    connect(horizontalHeader(), &QHeaderView::sectionResized, this, [this](int section) {
        // The last one is stretched by the header itself.
        m_isOwn = m_isOwn || (!m_isFitting && isVisible() && horizontalHeader()->visualIndex(section) < horizontalHeader()->count() - 1 && QApplication::mouseButtons() != Qt::NoButton);
    });
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
    connect(model, &QAbstractItemModel::rowsInserted, this, [this] {
        if (!m_isFitted)
            fitLater();
    });
    m_isOwn = restoreColumns();
    if (!m_isOwn)
        fitColumns();
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
    const RowsModel *rows = sorted ? rowsOf(sorted) : nullptr;
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

bool Table::restoreColumns()
{
    return horizontalHeader()->restoreState(QSettings().value(u"columns/"_s + m_name).toByteArray());
}

void Table::saveColumns() const
{
    if (model() && m_isOwn)
        QSettings().setValue(u"columns/"_s + m_name, horizontalHeader()->saveState());
}

void Table::setSizes(const std::vector<SampleColumn> &columns)
{
    m_sizes.clear();
    for (int i = 0; const SampleColumn &column : columns) {
        const int needed = std::max(horizontalHeader()->sectionSizeHint(i++), fontMetrics().horizontalAdvance(column.text) + besideText + (column.isBadge ? widthOfDot : 0));
        m_sizes.push_back({needed, column.isElastic, column.yields});
    }
    fitColumns();
}

// Once all rows of an answer are there, not after the first.
void Table::fitLater()
{
    QMetaObject::invokeMethod(this, &Table::fitColumns, Qt::QueuedConnection);
}

// As wide as its title and the rows in sight.
std::vector<ColumnSize> Table::measuredSizes()
{
    std::vector<ColumnSize> sizes;
    const RowsModel *rows = rowsOf(model());
    for (int i = 0; rows && i < rows->columnCount(); ++i) {
        const Column &column = rows->columns().at(static_cast<size_t>(i));
        setColumnHidden(i, false); // a hidden one has no title to measure
        const int needed = std::max({horizontalHeader()->sectionSizeHint(i), sizeHintForColumn(i), column.leastWidth});
        sizes.push_back({column.isExtra ? 0 : std::clamp(needed, leastWidth, mostWidth), column.isElastic, column.yields});
    }
    return sizes;
}

void Table::fitColumns()
{
    if (m_isOwn || !model())
        return;
    m_isFitting = true;
    const std::vector<int> widths = fittedWidths(m_sizes.empty() ? measuredSizes() : m_sizes, viewport()->width());
    for (int i = 0; i < static_cast<int>(widths.size()); ++i) {
        const int width = widths.at(static_cast<size_t>(i));
        setColumnHidden(i, width == 0);
        if (width > 0)
            setColumnWidth(i, width);
    }
    m_isFitted = m_isFitted || model()->rowCount() > 0;
    m_isFitting = false;
}

void Table::offerColumns(const QPoint &point)
{
    QMenu menu;
    for (int i = 0; i < model()->columnCount(); ++i) {
        QAction *shown = menu.addAction(model()->headerData(i, Qt::Horizontal).toString());
        shown->setCheckable(true);
        shown->setChecked(!isColumnHidden(i));
        shown->setEnabled(isColumnHidden(i) || horizontalHeader()->count() - horizontalHeader()->hiddenSectionCount() > 1);
        connect(shown, &QAction::toggled, this, [this, i](bool on) {
            setColumnHidden(i, !on);
            m_isOwn = true;
        });
    }
    menu.addSeparator();
    connect(menu.addAction(tr("Reset columns")), &QAction::triggered, this, [this] {
        QSettings().remove(u"columns/"_s + m_name);
        for (int i = 0; i < model()->columnCount(); ++i)
            horizontalHeader()->moveSection(horizontalHeader()->visualIndex(i), i);
        m_isOwn = false;
        fitColumns();
    });
    menu.exec(horizontalHeader()->mapToGlobal(point));
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
    const bool isEmpty = !m_busy && (!model() || model()->rowCount() == 0);
    m_empty->setVisible(isEmpty);
    setAccessibleDescription(isEmpty ? m_empty->sentence() : QString()); // screen readers see cells alone of a table
}

void Table::repaintTexts()
{
    QStringList seen;
    const int last = rowAt(viewport()->height() - 1);
    for (int row = std::max(0, rowAt(0)); row <= (last < 0 ? model()->rowCount() - 1 : last); ++row) {
        for (int column = 0; column < model()->columnCount(); ++column) {
            if (!isColumnHidden(column))
                seen.append(model()->index(row, column).data().toString());
        }
    }
    if (seen == m_seen)
        return;
    m_seen = seen;
    viewport()->update();
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
    fitColumns();
    placeEmpty();
}

void Table::selectionChanged(const QItemSelection &selected, const QItemSelection &deselected)
{
    QTableView::selectionChanged(selected, deselected);
    Q_EMIT selectionMoved();
}

} // namespace llmproxy::ui
