// SPDX-License-Identifier: GPL-3.0-only
#include "widgets/parts.h"

#include "style/format.h"

#include <QKeyEvent>
#include <QPainter>
#include <QStyle>
#include <QWheelEvent>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

constexpr int textWidth = 420;

// Return presses the button that has the focus: without this, in a dialog, its default button. On "Cancel" that would be the other one.
class Button final : public QPushButton
{
public:
    using QPushButton::QPushButton;

protected:
    void keyPressEvent(QKeyEvent *event) override
    {
        if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
            click();
        else
            QPushButton::keyPressEvent(event);
    }
};

class StillBox final : public QComboBox
{
protected:
    void wheelEvent(QWheelEvent *event) override { event->ignore(); }
};

} // namespace

QComboBox *stillBox()
{
    return new StillBox;
}

QLabel *label(const QString &text, const char *role)
{
    auto *made = new QLabel(shown(text));
    made->setTextFormat(Qt::PlainText); // names come from outside
    made->setTextInteractionFlags(Qt::NoTextInteraction);
    if (role)
        made->setProperty("role", QString::fromLatin1(role));
    return made;
}

QLabel *wrapped(const QString &text, const char *role)
{
    QLabel *made = label(text, role);
    made->setWordWrap(true);
    made->setMinimumWidth(120);
    return made;
}

void setThemedIcon(QAbstractButton *button, const QString &icon)
{
    const auto draw = [button, icon] {
        const QString role = button->property("role").toString();
        const Colors &c = Theme::instance().colors();
        button->setIcon(Theme::instance().icon(icon, role == "primary"_L1 ? c.onAccent : role == "danger"_L1 ? c.bad : c.text));
    };
    draw();
    QObject::connect(&Theme::instance(), &Theme::changed, button, draw);
}

QLabel *mark(const QString &icon, Tone tone, int size)
{
    auto *made = new QLabel;
    const auto draw = [made, icon, tone, size] {
        made->setPixmap(Theme::instance().icon(icon, Theme::instance().tone(tone)).pixmap(QSize(size, size), made->devicePixelRatioF()));
    };
    draw();
    QObject::connect(&Theme::instance(), &Theme::changed, made, draw);
    return made;
}

QPushButton *button(const QString &text, const QString &icon, const char *role)
{
    auto *made = new Button(text); // its accessible name is its text, also when that changes
    made->setAutoDefault(false);
    if (role)
        made->setProperty("role", QString::fromLatin1(role));
    if (!icon.isEmpty())
        setThemedIcon(made, icon);
    return made;
}

QLabel *fieldLabel(const QString &text, QWidget *input)
{
    QLabel *made = label(text);
    made->setBuddy(input);
    made->setFixedHeight(std::max(input->sizeHint().height(), input->minimumHeight())); // whatever stands below the input
    return made;
}

void nameBox(QComboBox *box, const QString &name)
{
    box->setAccessibleName(name);
    box->setAccessibleDescription(name);
}

QFrame *card()
{
    auto *made = new QFrame;
    made->setProperty("role", u"card"_s);
    return made;
}

QFrame *line()
{
    auto *made = new QFrame;
    made->setProperty("role", u"line"_s);
    return made;
}

void setRole(QWidget *widget, const char *role)
{
    widget->setProperty("role", QString::fromLatin1(role));
    widget->style()->unpolish(widget);
    widget->style()->polish(widget);
}

void clearLayout(QLayout *layout)
{
    while (QLayoutItem *item = layout->takeAt(0)) {
        if (QWidget *widget = item->widget()) {
            widget->hide();
            widget->deleteLater();
        }
        if (item->layout())
            clearLayout(item->layout());
        delete item;
    }
}

Badge::Badge(QWidget *parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void Badge::set(const QString &text, Tone tone)
{
    if (text == m_text && tone == m_tone)
        return; // said each second: the page would be laid out as often
    m_text = shown(text, longestCell);
    m_tone = tone;
    setAccessibleName(m_text);
    updateGeometry();
    update();
}

QSize Badge::sizeHint() const
{
    return {fontMetrics().horizontalAdvance(m_text) + 28, fontMetrics().height() + 8};
}

void Badge::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QColor color = Theme::instance().tone(m_tone);
    QColor ground = color;
    ground.setAlphaF(0.14F);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ground);
    painter.drawRoundedRect(rect(), height() / 2.0, height() / 2.0);
    painter.setBrush(color);
    painter.drawEllipse(QPointF(12, height() / 2.0), 3.5, 3.5);
    painter.setPen(Theme::instance().colors().text);
    painter.drawText(rect().adjusted(20, 0, -6, 0), Qt::AlignVCenter | Qt::AlignLeft, m_text);
}

EmptyState::EmptyState(const QString &icon, const QString &title, const QString &text, QWidget *parent)
    : QWidget(parent), m_icon(mark(icon, Tone::Neutral, 36)), m_title(label(title, "heading")), m_text(wrapped(text, "muted")), m_actions(new QHBoxLayout)
{
    auto *column = new QVBoxLayout(this);
    column->setSpacing(Theme::gap);
    column->addStretch();
    m_icon->setAlignment(Qt::AlignCenter);
    m_title->setAlignment(Qt::AlignCenter);
    m_text->setAlignment(Qt::AlignCenter);
    setTexts(title, text);
    column->addWidget(m_icon);
    column->addWidget(m_title);
    column->addWidget(m_text, 0, Qt::AlignHCenter);
    column->addLayout(m_actions);
    m_actions->setAlignment(Qt::AlignCenter);
    column->addStretch();
}

void EmptyState::setTexts(const QString &title, const QString &text)
{
    m_title->setText(shown(title));
    m_text->setText(shown(text));
    m_text->setFixedWidth(textWidth);
    m_text->setFixedHeight(std::max(0, m_text->heightForWidth(textWidth))); // a layout that centres does not ask for it
}

QString EmptyState::sentence() const
{
    return m_title->text() + u". "_s + m_text->text();
}

QPushButton *EmptyState::addAction(const QString &text, const std::function<void()> &act)
{
    QPushButton *made = button(text, {}, "primary");
    connect(made, &QPushButton::clicked, this, act);
    m_actions->addWidget(made);
    return made;
}

} // namespace llmproxy::ui
