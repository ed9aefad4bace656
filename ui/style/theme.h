// SPDX-License-Identifier: GPL-3.0-only
// Colours, spacing and icons of the console, light and dark. Light or dark follows the system's palette (Qt 6.4 has no
// QStyleHints::colorScheme()) unless the person chose one. Thread: GUI.
#pragma once

#include <QColor>
#include <QIcon>
#include <QObject>
#include <QPalette>

namespace llmproxy::ui {

enum class Tone { Neutral, Good, Warn, Bad, Info };

struct Colors
{
    QColor window, surface, raised, border, text, muted, accent, onAccent, selection, good, warn, bad, info;
};

class Theme final : public QObject
{
    Q_OBJECT
public:
    enum class Choice { System, Light, Dark };

    static Theme &instance();
    // Style, fonts and palette of the application; follows the system from then on.
    void apply(Choice choice);
    Choice choice() const { return m_choice; }
    bool isDark() const { return m_dark; }
    const Colors &colors() const;
    QColor tone(Tone tone) const;
    // An own icon (resources/icons) in the text's colour; tinted: in that colour.
    QIcon icon(const QString &name) const;
    QIcon icon(const QString &name, const QColor &color) const;

    static constexpr int gap = 8, margin = 20, radius = 8;

Q_SIGNALS:
    void changed();

private:
    Theme();
    bool eventFilter(QObject *watched, QEvent *event) override;
    void update();

    Choice m_choice = Choice::System;
    bool m_dark = false;
    bool m_applying = false;
    QPalette m_system;
};

} // namespace llmproxy::ui
