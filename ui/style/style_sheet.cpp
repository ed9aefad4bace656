// SPDX-License-Identifier: GPL-3.0-only
#include "style/style_sheet.h"

namespace llmproxy::ui {

namespace {

const char sheet[] = R"(
QToolTip { background: @raised; color: @text; border: 1px solid @border; padding: 4px 6px; }
QLabel[role="title"] { font-size: 20px; font-weight: 600; }
QLabel[role="heading"] { font-size: 14px; font-weight: 600; }
QLabel[role="figure"] { font-size: 24px; font-weight: 600; }
QLabel[role="muted"] { color: @muted; }
QLabel[role="problem"] { color: @bad; }
QFrame[role="card"] { background: @surface; border: 1px solid @border; border-radius: 8px; }
QFrame[role="card"] QLabel { background: transparent; }
QFrame[role="line"] { background: @border; border: none; max-height: 1px; min-height: 1px; }
QFrame[role="notice"] { background: @surface; border: 1px solid @border; border-left: 4px solid @warn; border-radius: 6px; }
QFrame[role="lost"] { background: @bad; border: none; border-radius: 0; }
QFrame[role="lost"] QLabel { color: @onBad; }
QFrame[role="toast"] { background: @text; border-radius: 8px; }
QFrame[role="toast"] QLabel { color: @window; }
QFrame[role="toast"] QPushButton { background: transparent; border: none; color: @window; font-weight: 600; text-decoration: underline; }
QWidget[role="navigation"] { background: @surface; border-right: 1px solid @border; }
QPushButton { background: @surface; color: @text; border: 1px solid @border; border-radius: 6px; padding: 6px 12px; min-height: 18px; }
QPushButton:hover { background: @raised; border-color: @muted; }
QPushButton:pressed { background: @border; }
QPushButton:disabled { color: @muted; background: @window; }
QPushButton:focus { border: 1px solid @accent; }
QPushButton[role="primary"], QPushButton:default { background: @accent; color: @onAccent; border-color: @accent; font-weight: 600; }
QPushButton[role="primary"]:hover, QPushButton:default:hover { background: @accentHover; }
QPushButton[role="primary"]:disabled { background: @border; color: @muted; border-color: @border; }
QPushButton[role="danger"] { color: @bad; border-color: @bad; }
QPushButton[role="danger"]:disabled { color: @muted; border-color: @border; }
QPushButton[role="danger"]:default { background: @bad; color: @onBad; }
QPushButton[role="link"] { background: transparent; border: none; color: @accent; padding: 2px 4px; text-align: left; }
QPushButton[role="link"]:hover, QPushButton[role="link"]:focus { text-decoration: underline; }
QPushButton[role="nav"] { background: transparent; border: none; border-radius: 6px; padding: 8px 12px; text-align: left; font-weight: 500; }
QPushButton[role="nav"]:hover { background: @raised; }
QPushButton[role="nav"]:checked { background: @selection; color: @text; font-weight: 600; }
QPushButton[role="nav"]:focus { border: 1px solid @accent; }
QMessageBox, QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton[menu="true"] { padding-right: 24px; }
QPushButton[role="chip"] { border-radius: 12px; padding: 3px 10px; background: @selection; border-color: @selection; }
QPushButton[role="segment"] { border-radius: 6px; padding: 4px 12px; font-weight: 600; }
QPushButton[role="segment"]:checked { background: @selection; border-color: @accent; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px; }
QToolButton:hover { background: @raised; border-color: @border; }
QToolButton:focus { border-color: @accent; }
QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox, QDateTimeEdit { background: @surface; color: @text; border: 1px solid @border; border-radius: 6px;
  padding: 5px 8px; min-height: 18px; selection-background-color: @accent; selection-color: @onAccent; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QDateTimeEdit:focus { border-color: @accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { background: @window; color: @muted; }
QLineEdit[wrong="true"], QComboBox[wrong="true"] { border-color: @bad; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url(:/icons/down.svg); width: 14px; height: 14px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: 22px; border: none; background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-arrow { image: url(:/icons/up.svg); width: 11px; height: 11px; }
QAbstractSpinBox::down-arrow { image: url(:/icons/down.svg); width: 11px; height: 11px; }
QPushButton::menu-indicator { image: url(:/icons/down.svg); width: 12px; height: 12px; subcontrol-position: center right; right: 6px; }
QComboBox QAbstractItemView { background: @surface; border: 1px solid @border; selection-background-color: @selection; selection-color: @text; outline: none; }
QTableView, QListView, QTreeView { background: @surface; border: 1px solid @border; border-radius: 8px; outline: none;
  selection-background-color: @selection; selection-color: @text; gridline-color: transparent; }
QTableView::item { padding: 0 8px; border-bottom: 1px solid @window; }
QListView::item { padding: 6px 8px; border-radius: 6px; }
QListView::item:selected { background: @selection; color: @text; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QHeaderView { background: transparent; }
QHeaderView::section { background: @surface; color: @muted; border: none; border-bottom: 1px solid @border; padding: 7px 2px 7px 11px; font-weight: 600; }
QHeaderView::section:hover { color: @text; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-origin: padding; subcontrol-position: top center; width: 9px; height: 9px; top: -1px; }
QHeaderView::up-arrow { image: url(:/icons/up.svg); }
QHeaderView::down-arrow { image: url(:/icons/down.svg); }
QTableCornerButton::section { background: @surface; border: none; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 2px; }
QScrollBar::handle { background: @border; border-radius: 4px; min-height: 32px; min-width: 32px; }
QScrollBar::handle:hover { background: @muted; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; border: none; width: 0; height: 0; }
QScrollArea { border: none; background: transparent; }
QScrollArea > QWidget > QWidget { background: transparent; }
QMenu { background: @surface; border: 1px solid @border; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: @selection; }
QMenu::item:disabled { color: @muted; }
QMenu::separator { height: 1px; background: @border; margin: 4px 8px; }
QProgressBar { background: @raised; border: 1px solid @border; border-radius: 5px; height: 10px; text-align: center; }
QProgressBar::chunk { background: @accent; border-radius: 4px; }
QCheckBox, QRadioButton { spacing: 8px; }
QCheckBox::indicator, QMenu::indicator { width: 15px; height: 15px; border: 1px solid @muted; border-radius: 4px; background: @surface; }
QCheckBox::indicator:checked, QMenu::indicator:checked { background: @accent; border-color: @accent; image: url(@tick); }
QCheckBox::indicator:focus, QCheckBox::indicator:hover { border-color: @accent; }
QCheckBox::indicator:disabled { border-color: @border; background: @window; }
QMenu::indicator { margin-left: 8px; }
QSplitter::handle { background: transparent; }
QTabBar::tab { padding: 6px 12px; border: none; border-bottom: 2px solid transparent; color: @muted; }
QTabBar::tab:selected { border-bottom-color: @accent; color: @text; font-weight: 600; }
QTabBar::tab:focus { color: @accent; }
QTabWidget::pane { border: none; }
)";

} // namespace

QString styleSheet(const Colors &c)
{
    QString text = QString::fromLatin1(sheet);
    const QColor onBad = c.bad.lightness() > 150 ? QColor(0x10131a) : QColor(0xffffff);
    const QColor hover = c.accent.lightness() > 150 ? c.accent.lighter(110) : c.accent.darker(112);
    // Longer names first: "@accent" begins "@accentHover".
    const std::pair<const char *, QColor> names[] = {
        {"@accentHover", hover}, {"@onAccent", c.onAccent}, {"@onBad", onBad},       {"@selection", c.selection}, {"@surface", c.surface},
        {"@window", c.window},   {"@raised", c.raised},     {"@border", c.border},   {"@accent", c.accent},       {"@muted", c.muted},
        {"@text", c.text},       {"@warn", c.warn},         {"@bad", c.bad},
    };
    text.replace(QLatin1String("@tick"), QLatin1String(c.onAccent.lightness() > 150 ? ":/icons/tick_white.svg" : ":/icons/tick_black.svg"));
    for (const auto &[name, color] : names)
        text.replace(QLatin1String(name), color.name());
    return text;
}

} // namespace llmproxy::ui
