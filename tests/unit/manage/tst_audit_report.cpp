// SPDX-License-Identifier: GPL-3.0-only
// What a report counts: an event, or as many refusals as it says.
#include "manage/audit_report.h"
#include "test_registry.h"

using namespace llmproxy;

namespace {

AuditEvent reported(Action action, const char *result)
{
    AuditEvent event(action, "client", result);
    event.timestampMs = 1'764'470'000'000;
    event.seq = 1;
    return event;
}

} // namespace

class TstAuditReport : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void countedRefusalsStandForMany()
    {
        AuditReport report;
        AuditEvent single = reported(Action::AuthFailure, "failure");
        single.detail("reason", "malformed");
        report.add(single);
        AuditEvent many = reported(Action::AuthFailure, "failure");
        many.detail("count", int64_t{44});
        many.detail("reasons", "malformed:41,endpoint_not_found:3");
        report.add(many);
        AuditEvent alert = reported(Action::AlertRaise, "success"); // its count is another
        alert.detail("count", int64_t{20});
        report.add(alert);
        const auto tally = report.counts[{"auth.failure", "failure"}];
        QCOMPARE(tally.events, int64_t{2});
        QCOMPARE(tally.count, int64_t{45});
        QCOMPARE((report.counts[{"alert.raise", "success"}].count), int64_t{1});
        const auto failure = report.failures[{"auth.failure", "failure", "malformed", ""}];
        QCOMPARE(failure.events, int64_t{2});
        QCOMPARE(failure.count, int64_t{42});
        QCOMPARE((report.failures[{"auth.failure", "failure", "endpoint_not_found", ""}].count), int64_t{3});
        QVERIFY(reportJson(report).find("\"count\": 45") != std::string::npos);
        QVERIFY(reportCsv(report).find("failure,auth.failure,failure,malformed,,,2,2025-11-30T02:33:20.000Z,2025-11-30T02:33:20.000Z,,42\r\n") != std::string::npos);
    }

    // The file may be anybody's.
    void whatIsNoReasonIsLeftOut()
    {
        AuditReport report;
        AuditEvent odd = reported(Action::AuthFailure, "failure");
        odd.detail("count", int64_t{-5});
        odd.detail("reasons", ",malformed,:,x:y,expired:2");
        report.add(odd);
        QCOMPARE((report.counts[{"auth.failure", "failure"}].count), int64_t{1});
        QCOMPARE(report.failures.size(), size_t{1});
        QCOMPARE((report.failures[{"auth.failure", "failure", "expired", ""}].count), int64_t{2});
    }
};

REGISTER_TEST(TstAuditReport)
#include "tst_audit_report.moc"
