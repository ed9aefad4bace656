// SPDX-License-Identifier: GPL-3.0-only
// Small parts that every page is made of. Each carries a name for people who do not see it. Thread: GUI.
#pragma once

#include "style/theme.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QFrame>
#include <QLabel>
#include <QPushButton>

#include <functional>

namespace llmproxy::ui {

inline constexpr int progressMs = 250; // how often the progress of a long job is looked at

// role: a word of style_sheet.cpp ("title", "heading", "muted", "figure", "problem"); empty: plain.
QLabel *label(const QString &text, const char *role = nullptr);
QLabel *wrapped(const QString &text, const char *role = nullptr);
QPushButton *button(const QString &text, const QString &icon = {}, const char *role = nullptr);
// In a form, its middle at the height of the input's; named by it.
QLabel *fieldLabel(const QString &text, QWidget *input);
// A box's name is what is chosen in it, to screen readers: its description says what for, too.
void nameBox(QComboBox *box, const QString &name);
// A box in something that scrolls: the wheel scrolls, and does not choose.
QComboBox *stillBox();
QFrame *card();
QFrame *line();
void setRole(QWidget *widget, const char *role); // and looks anew
void clearLayout(QLayout *layout);
// Icons that follow the theme.
void setThemedIcon(QAbstractButton *button, const QString &icon);
// An icon that stands for itself, size pixels wide, in the theme's colour for the tone.
QLabel *mark(const QString &icon, Tone tone, int size);

// A dot and a word: state at a glance, and not by colour alone.
class Badge final : public QWidget
{
    Q_OBJECT
public:
    explicit Badge(QWidget *parent = nullptr);
    void set(const QString &text, Tone tone);
    QSize sizeHint() const override;

private:
    void paintEvent(QPaintEvent *event) override;
    QString m_text;
    Tone m_tone = Tone::Neutral;
};

// What a page shows instead of nothing: what this is, and what to do.
class EmptyState final : public QWidget
{
    Q_OBJECT
public:
    EmptyState(const QString &icon, const QString &title, const QString &text, QWidget *parent = nullptr);
    void setTexts(const QString &title, const QString &text);
    QString sentence() const; // what it says
    QPushButton *addAction(const QString &text, const std::function<void()> &act);

private:
    QLabel *m_icon, *m_title, *m_text;
    QHBoxLayout *m_actions;
};

} // namespace llmproxy::ui
