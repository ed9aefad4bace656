// SPDX-License-Identifier: GPL-3.0-only
// What the ledger decides becomes lines, and whoever counts failures is told of each.
#include "engine/auth_events.h"
#include "base/clock.h"
#include "log_lines.h"
#include "test_registry.h"

#include <QTemporaryDir>

#include <atomic>
#include <thread>

using namespace llmproxy;

namespace {

struct Door
{
    explicit Door(bool enabled = true) : log(configIn(dir, enabled)), events(log, [this](const RequestOutcome &outcome, int64_t seq) {
        told += seq == 0 && outcome.isSummary && outcome.isOfCredential;
    })
    {
        Clock::advanceForTest(minuteMs - Clock::wallMs() % minuteMs); // no minute ends on the way
        if (enabled && log.start(nullptr))
            qFatal("the log does not start");
        peer.address = *IpAddress::parse("192.0.2.7");
        peer.text = peer.address.toString();
        head.isWhole = true;
        head.method = "GET";
        head.path = "/manage/" + std::string(8000, 'x');
        head.requestId = "r-1";
        head.headers.add("User-Agent", std::string(300, 'u'));
    }
    static AuditConfig configIn(const QTemporaryDir &dir, bool enabled)
    {
        AuditConfig config;
        config.enabled = enabled;
        config.file = dir.filePath(QStringLiteral("audit.log")).toStdString();
        config.storeInDb = false;
        return config;
    }
    std::vector<std::string> lines()
    {
        log.stop();
        return linesOf(log.config().file);
    }

    QTemporaryDir dir;
    AuditLog log;
    std::atomic<int> told{0};
    AuthEvents events;
    Peer peer;
    RequestHead head;
};

RequestOutcome refusedRequest(Reason reason, int status)
{
    RequestOutcome outcome;
    outcome.result = status == 401 ? OutcomeResult::Failure : OutcomeResult::Denied;
    outcome.reason = reason;
    outcome.status = status;
    return outcome;
}

// As the engine thread asks.
bool isRecorded(Door &door, Reason reason, int status, TokenPtr token = nullptr, Reason tokenState = Reason::None)
{
    RequestOutcome outcome = refusedRequest(reason, status);
    outcome.token = std::move(token);
    outcome.tokenState = tokenState;
    return door.events.isRecorded(outcome, door.peer.address);
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

class TstAuthEvents : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void managementFailuresOfAnAddress()
    {
        Door door;
        int answered = 0;
        for (int i = 0; i < 14; ++i)
            door.events.failure(door.peer, door.head, i < 12 ? 401 : 429, Reason::InvalidToken, [&answered](bool ok) { answered += ok; });
        door.events.flushAll();
        const auto lines = door.lines();
        QCOMPARE(answered, 14);
        QCOMPARE(lines.size(), size_t{12}); // ten, the first that was counted, and the others
        QVERIFY(has(lines[0], R"("action":"auth.failure","actor":"management","request_id":"r-1","client_ip":"192.0.2.7","result":"failure")"));
        QVERIFY(has(lines[0], R"("endpoint":"/manage/)" + std::string(56, 'x') + R"(","status":401,"user_agent":")" + std::string(64, 'u') + R"(","reason":"invalid_token")"));
        QVERIFY(has(lines[10], R"("details":{"count":1,"reasons":"invalid_token:1","of":"auth.failure"})"));
        QVERIFY(has(lines[11], R"("count":3)"));
        QCOMPARE(door.told.load(), 4); // of those that no event tells of
    }

    void aMinuteThatIsOver()
    {
        Door door;
        for (int i = 0; i < 20; ++i)
            QCOMPARE(isRecorded(door, Reason::EndpointNotFound, 404), i < 10);
        Clock::advanceForTest(minuteMs);
        door.events.flush();
        Clock::advanceForTest(-minuteMs);
        const auto lines = door.lines();
        QCOMPARE(lines.size(), size_t{2}); // the ten are the caller's
        QVERIFY(has(lines[1], R"("result":"failure","details":{"count":9,"reasons":"endpoint_not_found:9","of":"token.access"})"));
        QVERIFY(!has(lines[1], "request_id") && !has(lines[1], "user_agent") && !has(lines[1], "endpoint\""));
    }

    void aTokenIsNeverCountedUnderAnAddress()
    {
        Door door;
        const auto token = std::make_shared<const TokenEntry>(TokenTexts{"uuid-1", "uuid-1", "proj-1", "hmac", "tok-1234****cdef", "", ""}, TokenTerms{}, TokenHash{}, nullptr, nullptr);
        for (int i = 0; i < 12; ++i)
            isRecorded(door, Reason::Malformed, 401);
        QVERIFY(isRecorded(door, Reason::EndpointNotFound, 404, token, Reason::Revoked));
        QVERIFY(isRecorded(door, Reason::RateLimitExceeded, 429, token));
    }

    void headsThatFrontRefused()
    {
        Door door;
        door.events.refused(door.peer, door.head, 421, Reason::MisdirectedRequest);
        door.head.isWhole = false;
        door.events.refused(door.peer, door.head, 400, Reason::BadRequest);
        door.events.refused(door.peer, door.head, 429, Reason::RateLimitExceeded);
        const auto lines = door.lines();
        QCOMPARE(lines.size(), size_t{3});
        QVERIFY(has(lines[0], R"("http_method":"GET")") && has(lines[0], "misdirected_request"));
        QVERIFY(!has(lines[1], "http_method") && !has(lines[1], "endpoint") && has(lines[1], R"("details":{"status":400,"reason":"bad_request"})"));
        QVERIFY(has(lines[2], R"("count":1)"));
    }

    // Engine threads ask at the same time, and the minute ends in between.
    void manyThreadsLoseNone()
    {
        Door door;
        constexpr int threads = 4, each = 3000;
        std::atomic<int> recorded{0};
        std::vector<std::thread> askers;
        for (int number = 0; number < threads; ++number) {
            askers.emplace_back([&] {
                for (int i = 0; i < each; ++i) {
                    recorded += isRecorded(door, Reason::EndpointNotFound, 404);
                    if (i % 1000 == 0)
                        door.events.flush();
                }
            });
        }
        for (std::thread &asker : askers)
            asker.join();
        door.events.flushAll();
        int64_t counted = 0;
        for (const std::string &line : door.lines())
            counted += std::get<int64_t>(*parseAuditLine(line)->find("count"));
        QCOMPARE(counted + recorded.load(), int64_t{threads * each});
        QVERIFY(recorded.load() <= 2 * 10);
    }

    void withoutAuditingEachIsTold()
    {
        Door door(false);
        int answered = 0;
        for (int i = 0; i < 30; ++i) {
            QVERIFY(isRecorded(door, Reason::EndpointNotFound, 404)); // the outcome is told as it comes
            door.events.failure(door.peer, door.head, 401, Reason::InvalidToken, [&answered](bool ok) { answered += ok; });
        }
        QCOMPARE(answered, 30);
        QCOMPARE(door.told.load(), 30);
    }
};

REGISTER_TEST(TstAuthEvents)
#include "tst_auth_events.moc"
