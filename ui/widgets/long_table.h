// SPDX-License-Identifier: GPL-3.0-only
// A table of any length: it holds the rows that fit, its scroll bar stands for all. One row can be chosen, and stays chosen while
// it is out of sight. Thread: GUI.
#pragma once

#include "models/window_model.h"
#include "widgets/table.h"

#include <QScrollBar>

namespace llmproxy::ui {

class LongTable final : public QWidget
{
    Q_OBJECT
public:
    LongTable(QAbstractItemModel &model, const QString &settingsName, const QString &accessibleName, QWidget *parent = nullptr);

    Table *table() const { return m_table; }
    int chosenRow() const { return m_chosen; } // of the model; -1: none
    void choose(int row);                      // brings it into sight
    QScrollBar *scrollBar() const { return m_bar; }

Q_SIGNALS:
    void chosen();

private:
    bool eventFilter(QObject *watched, QEvent *event) override;
    bool takeKey(int key);
    void fit();
    void showChosen();
    void moveTo(int row);

    QAbstractItemModel &m_model;
    WindowModel *m_window;
    Table *m_table;
    QScrollBar *m_bar;
    int m_chosen = -1;
    bool m_showing = false; // the selection follows m_chosen, and not the other way round
};

} // namespace llmproxy::ui
