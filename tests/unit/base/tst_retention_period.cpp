// SPDX-License-Identifier: GPL-3.0-only
// Nothing outlives its retention by more than a tenth of it, or a second.
#include "base/retention_period.h"
#include "test_registry.h"

using namespace llmproxy;

class TstRetentionPeriod : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void followsTheRetention()
    {
        QCOMPARE(retentionPeriodMs(90 * dayMs), hourMs);
        QCOMPARE(retentionPeriodMs(10 * hourMs), hourMs);
        QCOMPARE(retentionPeriodMs(hourMs), 6 * minuteMs);
        QCOMPARE(retentionPeriodMs(5 * minuteMs), 30 * secondMs);
        QCOMPARE(retentionPeriodMs(1), secondMs);
        QCOMPARE(retentionPeriodMs(0), hourMs); // keeps everything
    }
};

REGISTER_TEST(TstRetentionPeriod)
#include "tst_retention_period.moc"
