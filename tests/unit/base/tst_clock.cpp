// SPDX-License-Identifier: GPL-3.0-only
// What is a time, by RFC 3339 section 5.6, and what only looks like one.
#include "base/clock.h"
#include "test_registry.h"

#include <QTest>

using namespace llmproxy;

class TstClock : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void taken_data();
    void taken();
    void refused_data();
    void refused();
};

void TstClock::taken_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<qint64>("ms");
    QTest::newRow("UTC") << "2026-01-31T12:00:00Z" << qint64{1769860800000};
    QTest::newRow("milliseconds") << "2026-01-31T12:00:00.123Z" << qint64{1769860800123};
    QTest::newRow("one digit") << "2026-01-31T12:00:00.1Z" << qint64{1769860800100};
    QTest::newRow("many digits") << "2026-01-31T12:00:00.100000000Z" << qint64{1769860800100};
    QTest::newRow("small letters") << "2026-01-31t12:00:00z" << qint64{1769860800000};
    QTest::newRow("a space, as the table has it") << "2026-01-31 12:00:00.123Z" << qint64{1769860800123};
    QTest::newRow("east") << "2026-01-31T13:00:00+01:00" << qint64{1769860800000};
    QTest::newRow("west, with a fraction") << "2026-01-31T06:30:00.5-05:30" << qint64{1769860800500};
    QTest::newRow("an odd offset") << "2026-01-31T19:24:00.91+07:24" << qint64{1769860800910};
    QTest::newRow("a leap second") << "2016-12-31T23:59:60Z" << qint64{1483228799000};
    QTest::newRow("long ago") << "0920-01-13T07:27:37.91+07:24" << qint64{0};
    QTest::newRow("the epoch") << "1970-01-01T00:00:00Z" << qint64{0};
}

void TstClock::taken()
{
    QFETCH(QString, text);
    QFETCH(qint64, ms);
    QCOMPARE(qint64{parseRfc3339(text)}, ms);
}

void TstClock::refused_data()
{
    QTest::addColumn<QString>("text");
    for (const char *text : {"", "now", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+01", "2026-01-31T12:00:00+0100",
                             "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:61:00Z", "2026-1-31T12:00:00Z", "2026-01-31T12:00:00Z ", " 2026-01-31T12:00:00Z",
                             "2026-01-31T12:00:00.1.2Z", "2026-01-31T12:00:00,5Z", "20260131T120000Z", "2026-01-31T12:00:00ZZ", "+2026-01-31T12:00:00Z"})
        QTest::newRow(text) << QString::fromLatin1(text);
    QTest::newRow("digits of another script") << QStringLiteral("٢٠٢٦-01-31T12:00:00Z");
}

void TstClock::refused()
{
    QFETCH(QString, text);
    QCOMPARE(qint64{parseRfc3339(text)}, qint64{-1});
}

REGISTER_TEST(TstClock)
#include "tst_clock.moc"
