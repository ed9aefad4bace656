// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/long_table.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QWheelEvent>

namespace llmproxy::ui {

namespace {

constexpr int rowsPerNotch = 3, notch = 120; // of a wheel, in eighths of a degree

} // namespace

LongTable::LongTable(QAbstractItemModel &model, const QString &settingsName, const QString &accessibleName, QWidget *parent)
    : QWidget(parent), m_model(model), m_window(new WindowModel(model, this)), m_table(new Table(settingsName, accessibleName)), m_bar(new QScrollBar(Qt::Vertical))
{
    auto *row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(0);
    row->addWidget(m_table, 1);
    row->addWidget(m_bar);
    m_bar->setAccessibleName(tr("Scroll: %1").arg(accessibleName));
    m_table->setModel(m_window);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_table->viewport()->installEventFilter(this);
    m_table->installEventFilter(this);
    connect(m_bar, &QScrollBar::valueChanged, m_window, &WindowModel::setTop);
    connect(m_window, &WindowModel::windowChanged, this, [this] {
        const QSignalBlocker quiet(m_bar);
        m_bar->setRange(0, std::max(0, m_window->total() - m_window->room()));
        m_bar->setPageStep(m_window->room());
        m_bar->setValue(m_window->top());
        m_bar->setVisible(m_bar->maximum() > 0);
        showChosen();
    });
    connect(m_window, &WindowModel::shifted, this, [this](int rows) { m_chosen += m_chosen >= 0 ? rows : 0; });
    connect(&model, &QAbstractItemModel::modelReset, this, [this] {
        m_chosen = -1;
        Q_EMIT chosen();
    });
    connect(m_table, &Table::selectionMoved, this, [this] {
        const QList<int> rows = m_table->selectedRows();
        if (m_showing || rows.isEmpty())
            return;
        m_chosen = m_window->sourceRow(rows.first());
        Q_EMIT chosen();
    });
}

void LongTable::fit()
{
    m_window->setRoom(m_table->viewport()->height() / m_table->verticalHeader()->defaultSectionSize());
}

// The chosen row may have come into sight, gone out of it, or moved.
void LongTable::showChosen()
{
    m_showing = true;
    const int row = m_chosen - m_window->top();
    if (m_chosen < 0 || row < 0 || row >= m_window->rowCount())
        m_table->clearSelection();
    else if (m_table->selectedRows() != QList<int>{row})
        m_table->selectRow(row);
    m_showing = false;
}

void LongTable::choose(int row)
{
    if (row < 0 || row >= m_model.rowCount())
        return;
    if (row < m_window->top() || row >= m_window->top() + m_window->room())
        m_window->setTop(row - m_window->room() / 2);
    m_chosen = row;
    showChosen();
    Q_EMIT chosen();
}

void LongTable::moveTo(int row)
{
    row = std::clamp(row, 0, m_model.rowCount() - 1);
    if (row < m_window->top())
        m_window->setTop(row);
    else if (row >= m_window->top() + m_window->room())
        m_window->setTop(row - m_window->room() + 1);
    choose(row);
}

bool LongTable::takeKey(int key)
{
    const int at = std::max(m_chosen, 0);
    switch (key) {
    case Qt::Key_Up:
        moveTo(at - 1);
        return true;
    case Qt::Key_Down:
        moveTo(m_chosen < 0 ? m_window->top() : at + 1);
        return true;
    case Qt::Key_PageUp:
        moveTo(at - m_window->room());
        return true;
    case Qt::Key_PageDown:
        moveTo(at + m_window->room());
        return true;
    case Qt::Key_Home:
        moveTo(0);
        return true;
    case Qt::Key_End:
        moveTo(m_model.rowCount() - 1);
        return true;
    default:
        return false;
    }
}

bool LongTable::eventFilter(QObject *watched, QEvent *event)
{
    if (event->type() == QEvent::Resize && watched == m_table->viewport())
        fit();
    if (event->type() == QEvent::KeyPress && watched == m_table && m_model.rowCount() > 0 && takeKey(static_cast<QKeyEvent *>(event)->key()))
        return true;
    if (event->type() == QEvent::Wheel && watched == m_table->viewport()) {
        const auto *wheel = static_cast<QWheelEvent *>(event);
        if (wheel->angleDelta().y() != 0) {
            m_bar->setValue(m_bar->value() - wheel->angleDelta().y() * rowsPerNotch / notch);
            return true;
        }
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace llmproxy::ui
