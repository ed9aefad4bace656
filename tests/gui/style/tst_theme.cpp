// SPDX-License-Identifier: GPL-3.0-only
// Texts and marks stand out from their ground in light and dark. WCAG 2.1: 1.4.3 (texts, 4.5:1), 1.4.11 (marks and edges that say
// something, 3:1).
#include "style/style_sheet.h"
#include "style/theme.h"
#include "test_registry.h"

#include <QApplication>

#include <cmath>

using namespace llmproxy::ui;

namespace {

double luminance(const QColor &color)
{
    const auto linear = [](double part) { return part <= 0.03928 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4); };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

double contrast(const QColor &one, const QColor &other)
{
    const double first = luminance(one), second = luminance(other);
    return (std::max(first, second) + 0.05) / (std::min(first, second) + 0.05);
}

} // namespace

class TstTheme : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void cleanup() { Theme::instance().apply(Theme::Choice::Light); }
    void textsStandOut_data();
    void textsStandOut();
    void theStyleSheetIsComplete_data() { textsStandOut_data(); }
    void theStyleSheetIsComplete();
    void darkAndLightDiffer();
};

void TstTheme::textsStandOut_data()
{
    QTest::addColumn<int>("choice");
    QTest::newRow("light") << static_cast<int>(Theme::Choice::Light);
    QTest::newRow("dark") << static_cast<int>(Theme::Choice::Dark);
}

void TstTheme::textsStandOut()
{
    QFETCH(const int, choice);
    Theme::instance().apply(static_cast<Theme::Choice>(choice));
    const Colors &c = Theme::instance().colors();
    for (const QColor &ground : {c.window, c.surface, c.raised}) {
        QVERIFY(contrast(c.text, ground) >= 4.5);
        QVERIFY(contrast(c.muted, ground) >= 4.5);
        QVERIFY(contrast(c.accent, ground) >= 4.5); // links
        QVERIFY(contrast(c.bad, ground) >= 4.5);    // problems are texts
        for (const Tone tone : {Tone::Neutral, Tone::Good, Tone::Warn, Tone::Bad, Tone::Info})
            QVERIFY(contrast(Theme::instance().tone(tone), ground) >= 3);
    }
    QVERIFY(contrast(c.text, c.selection) >= 4.5);
    QVERIFY(contrast(c.onAccent, c.accent) >= 4.5);
    const QPalette palette = QApplication::palette();
    QVERIFY(contrast(palette.color(QPalette::Text), palette.color(QPalette::Base)) >= 4.5);
    QVERIFY(contrast(palette.color(QPalette::PlaceholderText), palette.color(QPalette::Base)) >= 4.5);
    QVERIFY(contrast(palette.color(QPalette::ToolTipText), palette.color(QPalette::ToolTipBase)) >= 4.5);
}

void TstTheme::theStyleSheetIsComplete()
{
    QFETCH(const int, choice);
    Theme::instance().apply(static_cast<Theme::Choice>(choice));
    const QString sheet = styleSheet(Theme::instance().colors());
    QVERIFY2(!sheet.contains(u'@'), "a colour has no name");
    QCOMPARE(sheet.count(u'{'), sheet.count(u'}'));
}

void TstTheme::darkAndLightDiffer()
{
    Theme::instance().apply(Theme::Choice::Dark);
    QVERIFY(Theme::instance().isDark());
    QSignalSpy changed(&Theme::instance(), &Theme::changed);
    Theme::instance().apply(Theme::Choice::Light);
    QCOMPARE(changed.size(), 1);
    QVERIFY(!Theme::instance().isDark());
    QVERIFY(!Theme::instance().icon(QStringLiteral("token")).isNull());
    QVERIFY(Theme::instance().icon(QStringLiteral("not there")).isNull());
}

REGISTER_TEST(TstTheme)
#include "tst_theme.moc"
