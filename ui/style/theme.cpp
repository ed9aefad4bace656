// SPDX-License-Identifier: GPL-3.0-only
#include "style/theme.h"

#include "style/style_sheet.h"

#include <QApplication>
#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QStyleFactory>
#include <QSvgRenderer>

// A static library's resources are there once somebody says so; not possible from inside a namespace.
static void addIcons()
{
    Q_INIT_RESOURCE(icons);
}

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

// Text on its ground has a contrast of at least 4.5:1 in both (WCAG 2.1, 1.4.3); muted text too.
const Colors light{QColor(0xf4f5f7), QColor(0xffffff), QColor(0xf8f9fb), QColor(0xdcdfe5), QColor(0x1b1f27), QColor(0x5b6372), QColor(0x2f5fd0),
                   QColor(0xffffff), QColor(0xdde7fb), QColor(0x1a7f4b), QColor(0x9a6100), QColor(0xc2303a), QColor(0x2f5fd0)};
const Colors dark{QColor(0x15181e), QColor(0x1d2129), QColor(0x242933), QColor(0x343b48), QColor(0xe7eaf0), QColor(0xa0a8b8), QColor(0x7aa2ff),
                  QColor(0x10131a), QColor(0x2b3a5c), QColor(0x57c98a), QColor(0xe0a94a), QColor(0xff7b83), QColor(0x7aa2ff)};

bool isDarkPalette(const QPalette &palette)
{
    return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

QPalette paletteOf(const Colors &c)
{
    QPalette palette;
    palette.setColor(QPalette::Window, c.window);
    palette.setColor(QPalette::WindowText, c.text);
    palette.setColor(QPalette::Base, c.surface);
    palette.setColor(QPalette::AlternateBase, c.raised);
    palette.setColor(QPalette::Text, c.text);
    palette.setColor(QPalette::PlaceholderText, c.muted);
    palette.setColor(QPalette::Button, c.raised);
    palette.setColor(QPalette::ButtonText, c.text);
    palette.setColor(QPalette::Highlight, c.selection);
    palette.setColor(QPalette::HighlightedText, c.text);
    palette.setColor(QPalette::Link, c.accent);
    palette.setColor(QPalette::ToolTipBase, c.raised);
    palette.setColor(QPalette::ToolTipText, c.text);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, c.muted);
    return palette;
}

// Draws the SVG at whatever size and scale is asked for, in one colour.
class SvgIcon final : public QIconEngine
{
public:
    SvgIcon(QByteArray svg, QColor color) : m_svg(std::move(svg)), m_color(color) {}

    void paint(QPainter *painter, const QRect &rect, QIcon::Mode mode, QIcon::State) override
    {
        QByteArray colored = m_svg;
        const QColor color = mode == QIcon::Disabled ? Theme::instance().colors().muted : m_color;
        colored.replace("currentColor", color.name().toLatin1());
        QSvgRenderer renderer(colored);
        renderer.render(painter, rect);
    }

    QPixmap pixmap(const QSize &size, QIcon::Mode mode, QIcon::State state) override
    {
        QPixmap drawn(size);
        drawn.fill(Qt::transparent);
        QPainter painter(&drawn);
        paint(&painter, QRect(QPoint(), size), mode, state);
        return drawn;
    }

    QIconEngine *clone() const override { return new SvgIcon(*this); }

private:
    QByteArray m_svg;
    QColor m_color;
};

} // namespace

Theme::Theme() : m_system(QApplication::palette())
{
    addIcons();
    m_dark = isDarkPalette(m_system);
    qApp->installEventFilter(this);
}

Theme &Theme::instance()
{
    static auto *const theme = new Theme; // ends with the process: icons outlive windows
    return *theme;
}

const Colors &Theme::colors() const
{
    return m_dark ? dark : light;
}

QColor Theme::tone(Tone tone) const
{
    const Colors &c = colors();
    switch (tone) {
    case Tone::Good:
        return c.good;
    case Tone::Warn:
        return c.warn;
    case Tone::Bad:
        return c.bad;
    case Tone::Info:
        return c.info;
    case Tone::Neutral:
        break;
    }
    return c.muted;
}

void Theme::apply(Choice choice)
{
    m_choice = choice;
    update();
}

void Theme::update()
{
    m_dark = m_choice == Choice::System ? isDarkPalette(m_system) : m_choice == Choice::Dark;
    m_applying = true;
    QApplication::setStyle(QStyleFactory::create(u"Fusion"_s));
    QApplication::setPalette(paletteOf(colors()));
    qApp->setStyleSheet(styleSheet(colors()));
    m_applying = false;
    Q_EMIT changed();
}

// The system's palette changed: QEvent::ApplicationPaletteChange also comes from our own setPalette().
bool Theme::eventFilter(QObject *watched, QEvent *event)
{
    if (event->type() == QEvent::ThemeChange && !m_applying && m_choice == Choice::System) {
        m_applying = true;
        QApplication::setPalette(QPalette()); // ours out of the way: the platform's shows again
        m_system = QApplication::palette();
        m_applying = false;
        update();
    }
    return QObject::eventFilter(watched, event);
}

QIcon Theme::icon(const QString &name) const
{
    return icon(name, colors().text);
}

QIcon Theme::icon(const QString &name, const QColor &color) const
{
    QFile file(u":/icons/"_s + name + u".svg"_s);
    if (!file.open(QIODevice::ReadOnly))
        return {};
    return QIcon(new SvgIcon(file.readAll(), color));
}

} // namespace llmproxy::ui
