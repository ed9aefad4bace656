// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/toast.h"

#include "style/format.h"
#include "widgets/parts.h"

#include <QEvent>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int beside = 24; // of the window's edges
constexpr int shownMs = 5'000;
constexpr int offeredMs = 10'000; // longer when there is something to decide

} // namespace

Toast::Toast(QWidget *window) : QFrame(window), m_text(label({})), m_action(new QPushButton)
{
    setProperty("role", u"toast"_s);
    setAccessibleName(tr("Message"));
    auto *row = new QHBoxLayout(this);
    row->setContentsMargins(16, 8, 8, 8);
    row->addWidget(m_text);
    row->addWidget(m_action);
    m_action->setCursor(Qt::PointingHandCursor);
    connect(m_action, &QPushButton::clicked, this, [this] {
        hide();
        if (m_act)
            m_act();
    });
    m_timer.setSingleShot(true);
    m_timer.callOnTimeout(this, &QWidget::hide);
    window->installEventFilter(this);
    hide();
}

void Toast::say(const QString &sentence)
{
    offer(sentence, {}, {});
}

void Toast::offer(const QString &sentence, const QString &action, std::function<void()> act)
{
    m_act = std::move(act);
    m_text->setText(breakable(shown(sentence, 500)));
    setAccessibleDescription(shown(sentence, 500));
    m_action->setText(action);
    m_action->setAccessibleName(action);
    m_action->setVisible(!action.isEmpty());
    m_timer.start(action.isEmpty() ? shownMs : offeredMs);
    place();
    show();
    raise();
}

void Toast::withdraw()
{
    if (std::exchange(m_act, {}))
        hide();
}

void Toast::place()
{
    const QWidget *window = parentWidget();
    const int room = window->width() - 2 * beside;
    m_text->setWordWrap(false);
    m_text->setMinimumWidth(0);
    if (sizeHint().width() > room) {
        m_text->setWordWrap(true);
        m_text->setMinimumWidth(room - (sizeHint().width() - m_text->sizeHint().width()));
    }
    setMaximumWidth(room);
    adjustSize();
    move((window->width() - width()) / 2, window->height() - height() - 24);
}

bool Toast::eventFilter(QObject *watched, QEvent *event)
{
    if (event->type() == QEvent::Resize && isVisible())
        place();
    return QFrame::eventFilter(watched, event);
}

} // namespace llmproxy::ui
