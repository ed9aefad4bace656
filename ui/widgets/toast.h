// SPDX-License-Identifier: GPL-3.0-only
// A sentence at the lower edge about what was just done, with the way back where there is one. Owned by the window. Thread: GUI.
#pragma once

#include <QFrame>
#include <QTimer>

#include <functional>

class QLabel;
class QPushButton;

namespace llmproxy::ui {

class Toast final : public QFrame
{
    Q_OBJECT
public:
    explicit Toast(QWidget *window);
    void say(const QString &sentence);
    void offer(const QString &sentence, const QString &action, std::function<void()> act);
    void withdraw(); // an offer, not a sentence

private:
    void place();
    bool eventFilter(QObject *watched, QEvent *event) override;

    QLabel *m_text;
    QPushButton *m_action;
    QTimer m_timer;
    std::function<void()> m_act;
};

} // namespace llmproxy::ui
