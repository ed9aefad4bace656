// SPDX-License-Identifier: GPL-3.0-only
// The alert rules against made histories of weeks: what is usual raises nothing, and what is not is named once.
#include "test_registry.h"

#include "alerts/rules.h"
#include "base/clock.h"

#include <random>

using namespace llmproxy;

class TstAlerts : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void quietHistories_data();
    void quietHistories();
    void aStolenToken();
    void twoAlertsOfAMove();
    void learntInAnyOrder();
    void volume();
    void failuresOfAnAddress();
    void deniedBurst();
    void revokedToken();
    void revokedTokensOfOneAddress();
    void countsWhatItHoldsBack();
    void theCapIsBounded();
    void whatIsOnlyCountedIsSeen();
    void aNewTokenIsQuiet();
    void refreshKeepsTheHistory();
    void switchedOff();
};

namespace {

const int64_t monday = parseRfc3339(QStringLiteral("2026-03-02T00:00:00.000Z"));

struct Stream
{
    std::vector<RequestOutcome> outcomes;
    std::mt19937 random{7};

    RequestOutcome &add(int64_t ms, const std::string &address, const std::string &agent, OutcomeResult result = OutcomeResult::Success, const std::string &token = "t-1")
    {
        RequestOutcome &outcome = outcomes.emplace_back();
        outcome.result = result;
        outcome.endedMs = ms;
        outcome.clientIp = address;
        outcome.userAgent = agent;
        outcome.storedToken = token;
        outcome.maskedToken = "tok-abcd****wxyz";
        return outcome;
    }
    int upTo(int most) { return std::uniform_int_distribution<int>(0, most)(random); }
    void sort()
    {
        std::stable_sort(outcomes.begin(), outcomes.end(), [](const auto &a, const auto &b) { return a.endedMs < b.endedMs; });
    }
};

// Somebody at a desk: workdays from nine to seven, from two places, sometimes late, with a lunch break.
Stream officeWorker(int days)
{
    Stream stream;
    for (int day = 0; day < days; ++day) {
        if (day % 7 >= 5)
            continue;
        const std::string place = day % 7 == 2 ? "203.0.113.9" : "198.51.100.20";
        for (int hour = 9; hour < (stream.upTo(9) == 0 ? 21 : 19); ++hour) {
            for (int i = stream.upTo(hour == 12 ? 3 : 40); i > 0; --i)
                stream.add(monday + day * dayMs + hour * hourMs + stream.upTo(3'599'999), place, stream.upTo(9) ? "claude-cli/2.1" : "openai-python/1.9");
        }
    }
    stream.sort();
    return stream;
}

// A job of every night, with more to do at the end of a month.
Stream nightlyJob(int days)
{
    Stream stream;
    for (int day = 0; day < days; ++day) {
        const int count = day % 30 == 29 ? 900 : 300 + stream.upTo(60);
        for (int i = 0; i < count; ++i)
            stream.add(monday + day * dayMs + 2 * hourMs + stream.upTo(2 * hourMs - 1), "10.0.0.7", "batch/1." + std::to_string(day / 10));
    }
    stream.sort();
    return stream;
}

// An agent that works whenever somebody lets it, in bursts.
Stream agent(int days)
{
    Stream stream;
    for (int day = 0; day < days; ++day) {
        for (int burst = 2 + stream.upTo(3); burst > 0; --burst) {
            const int64_t at = monday + day * dayMs + stream.upTo(23) * hourMs;
            for (int i = 20 + stream.upTo(150); i > 0; --i)
                stream.add(at + stream.upTo(1'800'000), "192.0.2.4", "codex/0.9");
        }
    }
    stream.sort();
    return stream;
}

// A laptop that travels: a new address each few days, IPv6 that changes by itself.
Stream traveller(int days)
{
    Stream stream;
    for (int day = 0; day < days; ++day) {
        for (int i = 30 + stream.upTo(30); i > 0; --i)
            stream.add(monday + day * dayMs + (8 + stream.upTo(10)) * hourMs + stream.upTo(3'599'999),
                       "2001:db8:5:7:" + std::to_string(day) + ":" + std::to_string(stream.upTo(9)) + "::1", "curl/8.5");
    }
    stream.sort();
    return stream;
}

std::vector<Alert> replay(AlertRules &rules, const Stream &stream)
{
    std::vector<Alert> all;
    int64_t seq = 0;
    for (const RequestOutcome &outcome : stream.outcomes) {
        const auto raised = rules.see(outcome, ++seq);
        all.insert(all.end(), raised.begin(), raised.end());
    }
    return all;
}

QStringList namesOf(const std::vector<Alert> &alerts)
{
    QStringList names;
    for (const Alert &alert : alerts)
        names << QString::fromStdString(alert.rule);
    return names;
}

AlertRules newRules(AlertThresholds thresholds = {})
{
    return AlertRules(thresholds, [](std::string_view uuid) { return std::string(uuid); });
}

} // namespace

void TstAlerts::quietHistories_data()
{
    QTest::addColumn<int>("kind");
    QTest::newRow("somebody at a desk") << 0;
    QTest::newRow("a nightly job") << 1;
    QTest::newRow("an agent in bursts") << 2;
    QTest::newRow("IPv6 that changes by itself") << 3;
}

void TstAlerts::quietHistories()
{
    QFETCH(int, kind);
    using Make = Stream (*)(int);
    static constexpr Make makers[] = {officeWorker, nightlyJob, agent, traveller};
    AlertRules rules = newRules();
    const Stream stream = makers[kind](60);
    QVERIFY(stream.outcomes.size() > 1000);
    const auto alerts = replay(rules, stream);
    for (const Alert &alert : alerts)
        qInfo("%s: %s", alert.rule.c_str(), alert.message.c_str());
    QCOMPARE(alerts.size(), size_t{0}); // false alarms in two months
}

void TstAlerts::aStolenToken()
{
    AlertRules rules = newRules();
    QVERIFY(replay(rules, officeWorker(28)).empty());
    Stream thief;
    for (int i = 0; i < 50; ++i)
        thief.add(monday + 28 * dayMs + 3 * hourMs + i * 1000, "45.155.205.3", "python-requests/2.31");
    const auto alerts = replay(rules, thief);
    QCOMPARE(namesOf(alerts), QStringList({QStringLiteral("new_address"), QStringLiteral("new_client"), QStringLiteral("unusual_hour")}));
    QVERIFY(alerts[0].message.find("45.155.205.3 for the first time") != std::string::npos);
    QVERIFY(alerts[0].message.find("2 other place") != std::string::npos);
    QVERIFY(alerts[1].message.find("client python-requests for the first time") != std::string::npos);
    QVERIFY(alerts[2].message.find("at 03:00 UTC") != std::string::npos);
    for (const Alert &alert : alerts) {
        QCOMPARE(alert.seq, int64_t{1});
        QCOMPARE(alert.clientIp, std::string("45.155.205.3"));
        QCOMPARE(alert.tokenMasked, std::string("tok-abcd****wxyz"));
    }
}

void TstAlerts::twoAlertsOfAMove()
{
    AlertRules rules = newRules();
    replay(rules, nightlyJob(20));
    Stream moved;
    for (int i = 0; i < 30; ++i)
        moved.add(monday + 20 * dayMs + 2 * hourMs + i * 1000, "10.1.0." + std::to_string(i), "batch/1.9");
    QCOMPARE(namesOf(replay(rules, moved)).count(QStringLiteral("new_address")), 1);
    const auto counted = rules.due(monday + 20 * dayMs + 4 * hourMs);
    QCOMPARE(namesOf(counted), QStringList(QStringLiteral("new_address")));
    QCOMPARE(counted[0].count, int64_t{2}); // three are a move, and no more are news that day
}

void TstAlerts::learntInAnyOrder()
{
    AlertRules rules = newRules();
    const Stream before = officeWorker(28);
    for (auto event = before.outcomes.rbegin(); event != before.outcomes.rend(); ++event)
        rules.learn(*event);
    Stream now;
    now.add(monday + 28 * dayMs + 10 * hourMs, "198.51.100.20", "claude-cli/2.1");
    now.add(monday + 28 * dayMs + 10 * hourMs, "45.155.205.3", "claude-cli/2.1");
    now.add(monday + 29 * dayMs + 3 * hourMs, "198.51.100.20", "claude-cli/2.1");
    QCOMPARE(namesOf(replay(rules, now)), QStringList({QStringLiteral("new_address"), QStringLiteral("unusual_hour")}));
}

void TstAlerts::volume()
{
    AlertRules rules = newRules();
    QVERIFY(replay(rules, agent(30)).empty());
    Stream runaway;
    for (int i = 0; i < 5000; ++i)
        runaway.add(monday + 30 * dayMs + 10 * hourMs + i * 500, "192.0.2.4", "codex/0.9");
    const auto alerts = replay(rules, runaway);
    QCOMPARE(namesOf(alerts), QStringList(QStringLiteral("unusual_volume"))); // once an hour
    QCOMPARE(alerts[0].count, alerts[0].threshold + 1);
}

void TstAlerts::failuresOfAnAddress()
{
    AlertRules rules = newRules();
    Stream stream;
    for (int i = 0; i < 19; ++i)
        stream.add(monday + i * 1000, "45.155.205.3", "x", OutcomeResult::Failure, {}).reason = Reason::Malformed;
    QVERIFY(replay(rules, stream).empty());
    RequestOutcome many; // what is over the limit is summed up
    many.result = OutcomeResult::Failure;
    many.isSummary = true;
    many.isOfCredential = true;
    many.endedMs = monday + 60'000;
    many.clientIp = "45.155.205.3";
    many.count = 40;
    const auto alerts = rules.see(many, 99);
    QCOMPARE(alerts.at(0).seq, int64_t{99});
    QCOMPARE(namesOf(alerts), QStringList(QStringLiteral("auth_failures")));
    QCOMPARE(alerts[0].count, int64_t{59});
    QVERIFY(rules.see(many, 100).empty()); // within the hour
    RequestOutcome flood = many; // of requests over the address's rate limit
    flood.clientIp = "45.155.206.3";
    flood.isOfCredential = false;
    flood.reason = Reason::RateLimitExceeded;
    flood.count = 10'000;
    QVERIFY(rules.see(flood, 101).empty());
    Stream slow; // one a minute of somebody who mistyped a script's token
    for (int i = 0; i < 600; ++i)
        slow.add(monday + i * 60'000, "10.0.0.1", "x", OutcomeResult::Failure, {});
    QVERIFY(replay(rules, slow).empty());
}

void TstAlerts::deniedBurst()
{
    AlertRules rules = newRules();
    Stream stream;
    for (int i = 0; i < 200; ++i)
        stream.add(monday + i * 1000, "10.0.0.1", "x", OutcomeResult::Denied).reason = Reason::ModelNotAllowed;
    const auto alerts = replay(rules, stream);
    QCOMPARE(namesOf(alerts), QStringList(QStringLiteral("denied_burst")));
    QVERIFY(alerts[0].message.find("model_not_allowed") != std::string::npos);
    Stream few;
    for (int i = 0; i < 200; ++i)
        few.add(monday + dayMs + i * 10'000, "10.0.0.1", "x", OutcomeResult::Denied).reason = Reason::RateLimitExceeded;
    QVERIFY(replay(rules, few).empty());
}

void TstAlerts::revokedToken()
{
    AlertRules rules = newRules();
    Stream stream;
    for (int i = 0; i < 5; ++i)
        stream.add(monday + i * 1000, "10.0.0.1", "x", OutcomeResult::Failure).reason = Reason::Revoked;
    QCOMPARE(namesOf(replay(rules, stream)), QStringList(QStringLiteral("revoked_token")));
    AlertRules others = newRules();
    Stream hidden; // refused before anybody asked for the token
    RequestOutcome &wrongPath = hidden.add(monday, "10.0.0.1", "x", OutcomeResult::Denied);
    wrongPath.reason = Reason::EndpointNotFound;
    wrongPath.tokenState = Reason::Revoked;
    QCOMPARE(namesOf(replay(others, hidden)), QStringList(QStringLiteral("revoked_token")));
}

// Refusals without an event of their own count like the others, and the alert names the last event that there is.
void TstAlerts::whatIsOnlyCountedIsSeen()
{
    AlertRules rules = newRules();
    RequestOutcome failure;
    failure.result = OutcomeResult::Failure;
    failure.reason = Reason::Malformed;
    failure.clientIp = "45.155.205.3";
    failure.endedMs = monday;
    for (int64_t seq = 1; seq <= 10; ++seq)
        QVERIFY(rules.see(failure, seq).empty());
    failure.isSummarized = true;
    for (int i = 0; i < 9; ++i)
        QVERIFY(rules.see(failure, 0).empty());
    const auto alerts = rules.see(failure, 0);
    QCOMPARE(namesOf(alerts), QStringList(QStringLiteral("auth_failures")));
    QCOMPARE(alerts[0].count, int64_t{20});
    QCOMPARE(alerts[0].seq, int64_t{10});
}

namespace {

RequestOutcome revokedUse(int64_t ms, const std::string &address, const std::string &token)
{
    Stream stream;
    stream.add(ms, address, "x", OutcomeResult::Failure, token).reason = Reason::Revoked;
    return stream.outcomes.front();
}

} // namespace

// A script that goes on with all the tokens of a project that was shut.
void TstAlerts::revokedTokensOfOneAddress()
{
    AlertRules rules = newRules({.authFailures = 0});
    int raised = 0;
    for (int i = 0; i < 611; ++i)
        raised += static_cast<int>(rules.see(revokedUse(monday + i * 1000, "10.0.0.1", "t-" + std::to_string(i)), i).size());
    QCOMPARE(raised, 1);
    QCOMPARE(rules.see(revokedUse(monday, "10.0.0.2", "t-other"), 1).size(), size_t{1}); // of somebody else
    QVERIFY(rules.due(monday + hourMs - 1).empty());
    const auto counted = rules.due(monday + hourMs);
    QCOMPARE(counted.size(), size_t{1});
    QCOMPARE(counted[0].count, int64_t{610});
    QCOMPARE(counted[0].windowSeconds, int64_t{3600});
    QCOMPARE(counted[0].seq, int64_t{610}); // of the last one
    QVERIFY(counted[0].message.starts_with("610 more revoked_token alerts within an hour. The last one: Token tok-abcd****wxyz"));
}

void TstAlerts::countsWhatItHoldsBack()
{
    AlertRules rules = newRules({.authFailures = 0});
    std::vector<int64_t> counts;
    for (int64_t minute = 0; minute < 180; ++minute) { // one a minute for three hours
        const int64_t now = monday + minute * minuteMs;
        for (const Alert &alert : rules.due(now))
            counts.push_back(alert.count);
        for (const Alert &alert : rules.see(revokedUse(now, "10.0.0." + std::to_string(minute % 200), "t-1"), minute))
            counts.push_back(alert.count);
    }
    QCOMPARE(counts, (std::vector<int64_t>{0, 59, 60}));
    for (const Alert &alert : rules.due(INT64_MAX))
        counts.push_back(alert.count);
    QCOMPARE(counts.back(), int64_t{60}); // at the end
    QCOMPARE(counts.size(), size_t{4});
    QVERIFY(rules.due(INT64_MAX).empty());
}

void TstAlerts::theCapIsBounded()
{
    AlertCap cap;
    size_t raised = 0;
    for (int i = 0; i < 100'000; ++i) {
        Alert alert;
        alert.rule = "revoked_token";
        alert.tokenUuid = "t-" + std::to_string(i);
        alert.clientIp = "10." + std::to_string(i >> 16) + "." + std::to_string((i >> 8) & 255) + "." + std::to_string(i & 255);
        alert.timestampMs = monday;
        raised += cap.admit({alert}).size();
    }
    QVERIFY2(raised <= 10'001 && cap.subjects() <= 20'001, qPrintable(QString::number(raised)));
    const auto counted = cap.due(monday + hourMs);
    QCOMPARE(counted.size(), size_t{1});
    QCOMPARE(static_cast<size_t>(counted[0].count), 100'000 - raised);
}

void TstAlerts::aNewTokenIsQuiet()
{
    AlertRules rules = newRules();
    Stream stream; // the first day goes through many hands
    for (int i = 0; i < 2000; ++i)
        stream.add(monday + i * 40'000, "10.0.0." + std::to_string(i % 20), "client" + std::to_string(i % 7) + "/1");
    stream.sort();
    QVERIFY(replay(rules, stream).empty());
}

void TstAlerts::refreshKeepsTheHistory()
{
    AlertRules rules({}, [](std::string_view) { return std::string("t-1"); });
    replay(rules, officeWorker(28));
    Stream successor;
    successor.add(monday + 28 * dayMs + 10 * hourMs, "198.51.100.20", "claude-cli/2.1", OutcomeResult::Success, "t-2");
    QVERIFY(replay(rules, successor).empty());
    successor.add(monday + 28 * dayMs + 10 * hourMs, "45.155.205.3", "claude-cli/2.1", OutcomeResult::Success, "t-2");
    QCOMPARE(namesOf(replay(rules, successor)), QStringList(QStringLiteral("new_address")));
}

void TstAlerts::switchedOff()
{
    AlertRules rules = newRules({0, 0, 0, false, false});
    replay(rules, officeWorker(28));
    Stream stream;
    for (int i = 0; i < 3000; ++i) {
        stream.add(monday + 28 * dayMs + 3 * hourMs + i, "45.155.205.3", "other/1");
        stream.add(monday + 28 * dayMs + 3 * hourMs + i, "45.155.205.3", "other/1", OutcomeResult::Denied);
        stream.add(monday + 28 * dayMs + 3 * hourMs + i, "45.155.205.3", "other/1", OutcomeResult::Failure, {});
    }
    QVERIFY(replay(rules, stream).empty());
}

REGISTER_TEST(TstAlerts)
#include "tst_alerts.moc"
