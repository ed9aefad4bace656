// SPDX-License-Identifier: GPL-3.0-only
#include "pages/page.h"

#include "style/format.h"

namespace llmproxy::ui {

namespace {

constexpr int leastWidth = 640, leastHeight = 480;
const char foldable[] = "foldable";

} // namespace

Page::Page(Console &console, const QString &id, const QString &title, const QString &subtitle)
    : m_console(console), m_id(id), m_title(title), m_actions(new QHBoxLayout), m_problem(wrapped({}, "problem")), m_body(new QVBoxLayout)
{
    setObjectName(id);
    setAccessibleName(title);
    auto *column = new QVBoxLayout(this);
    column->setContentsMargins(Theme::margin, Theme::margin, Theme::margin, Theme::margin);
    column->setSpacing(12);
    auto *head = new QHBoxLayout;
    auto *names = new QVBoxLayout;
    names->setSpacing(2);
    names->addWidget(label(title, "title"));
    names->addWidget(label(subtitle, "muted"));
    head->addLayout(names, 1);
    m_actions->setSpacing(Theme::gap);
    head->addLayout(m_actions);
    column->addLayout(head);
    m_problem->hide();
    column->addWidget(m_problem);
    column->addLayout(m_body, 1);
    connect(&client(), &Client::changed, this, [this] {
        if (isVisible())
            refresh();
    });
    connect(&client(), &Client::otherServer, this, [this] { forget(); });
    connect(&client(), &Client::serverChanged, this, [this] {
        setProblem({});
        reconnected();
        if (isVisible())
            refresh();
    });
}

void Page::open(const QVariantMap &)
{
}

void Page::showEvent(QShowEvent *event)
{
    QWidget::showEvent(event);
    refresh();
}

QAction *Page::act(const QString &text, const QString &icon, const QKeySequence &shortcut, const std::function<void()> &done)
{
    auto *action = new QAction(text, this);
    action->setShortcut(shortcut);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    action->setData(icon);
    connect(action, &QAction::triggered, this, done);
    addAction(action);
    return action;
}

void Page::fold(bool isFolded)
{
    m_isFolded = isFolded;
    for (QPushButton *one : findChildren<QPushButton *>()) {
        if (one->property(foldable).toBool())
            one->setText(isFolded ? QString() : one->accessibleName());
    }
}

void Page::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    if (!m_isFolded)
        m_unfoldedWidth = QWidget::minimumSizeHint().width();
    if (const bool isNarrow = width() < m_unfoldedWidth; isNarrow != m_isFolded)
        fold(isNarrow);
}

QSize Page::minimumSizeHint() const
{
    const QSize full = QWidget::minimumSizeHint();
    return {std::min(full.width(), leastWidth), std::min(full.height(), leastHeight)};
}

QPushButton *Page::buttonOf(QAction *action, const char *role)
{
    QPushButton *made = button(action->text(), action->data().toString(), role);
    made->setProperty(foldable, !action->data().toString().isEmpty() && qstrcmp(role, "primary") != 0);
    const QString keys = action->shortcut().toString(QKeySequence::NativeText);
    const auto follow = [made, action, keys] {
        const bool isFolded = made->property(foldable).toBool() && made->text().isEmpty();
        made->setText(isFolded ? QString() : action->text());
        made->setAccessibleName(action->text());
        const QString hint = action->toolTip(); // its text, unless there is more to say
        made->setToolTip(keys.isEmpty() || hint != action->text() ? hint : tr("%1 (%2)", "action, shortcut").arg(action->text(), keys));
        made->setEnabled(action->isEnabled());
        made->setVisible(action->isVisible());
    };
    follow();
    connect(action, &QAction::changed, made, follow);
    connect(made, &QPushButton::clicked, action, &QAction::trigger);
    return made;
}

QPushButton *Page::wideButtonOf(QAction *action)
{
    QPushButton *made = buttonOf(action);
    made->setProperty(foldable, false);
    return made;
}

QPushButton *Page::addHeaderButton(QAction *action, const char *role)
{
    QPushButton *made = buttonOf(action, role);
    m_actions->addWidget(made);
    return made;
}

void Page::setProblem(const QString &sentence)
{
    m_problem->setText(shown(sentence));
    m_problem->setVisible(!sentence.isEmpty());
}

bool Page::told(const Reply &reply, const QString &sentence)
{
    if (!reply.ok())
        m_console.toast->say(sentenceOf(reply));
    else if (!sentence.isEmpty())
        m_console.toast->say(sentence);
    return reply.ok();
}

} // namespace llmproxy::ui
