// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/outcome_event.h"
#include "test_registry.h"

using namespace llmproxy;

class TstOutcome : public QObject
{
    Q_OBJECT

private:
    static RequestOutcome relayed()
    {
        RequestOutcome outcome;
        outcome.result = OutcomeResult::Error;
        outcome.reason = Reason::UpstreamIdleTimeout;
        outcome.phase = OutcomePhase::Streaming;
        outcome.status = outcome.upstreamStatus = 200;
        outcome.attempts = 1;
        outcome.forwarded = true;
        outcome.maskedToken = "tok-1234****cdef";
        outcome.clientIp = "192.0.2.7";
        outcome.requestId = "r-1";
        outcome.method = "POST";
        outcome.endpoint = "/v1/chat/completions";
        outcome.userAgent = "curl/8";
        outcome.provider = "openai";
        outcome.model = "gpt-4o";
        outcome.usage.promptTokens = 7;
        outcome.requestBytes = 10;
        outcome.responseBytes = 20;
        outcome.endedMs = 1'764'470'000'123;
        outcome.durationMs = 1029;
        outcome.timings = {0, 450, 900, 1200, 120'000, 1'029'400};
        outcome.storedToken = "273c736d-db13-4c16-914f-027502b6e136";
        outcome.storedProject = "proj-1";
        return outcome;
    }

private Q_SLOTS:
    void theEventTellsAllOfIt()
    {
        AuditEvent event = eventOf(relayed());
        event.seq = 1;
        QCOMPARE(auditLine(event),
                 std::string(R"({"timestamp":"2025-11-30T02:33:20.123Z","action":"token.access","actor":"client","project_id":"proj-1","request_id":"r-1",)"
                             R"("client_ip":"192.0.2.7","result":"error","details":{"http_method":"POST","endpoint":"/v1/chat/completions","status":200,)"
                             R"("duration_ms":1029,"token_id":"tok-1234****cdef","user_agent":"curl/8","reason":"upstream_idle_timeout","provider":"openai",)"
                             R"("model":"gpt-4o","prompt_tokens":7,"request_bytes":10,"response_bytes":20,"forwarded":true,"upstream_status":200,)"
                             R"("timing":[0,0,0,1,120,1029],"token_uuid":"273c736d-db13-4c16-914f-027502b6e136"},"seq":1})"));
    }

    void aStoredEventIsReadBack()
    {
        const RequestOutcome before = relayed();
        const auto stored = parseAuditLine(auditLine(eventOf(before)));
        QVERIFY(stored.has_value());
        QCOMPARE(auditLine(*stored), auditLine(eventOf(before))); // also its array
        const RequestOutcome after = outcomeOf(*stored);
        QVERIFY(after.result == before.result && after.reason == before.reason && after.forwarded);
        QCOMPARE(after.upstreamStatus, 200);
        QCOMPARE(after.usage.promptTokens, int64_t{7});
        QCOMPARE(after.usage.completionTokens, int64_t{-1});
        QCOMPARE(after.durationMs, before.durationMs);
        QCOMPARE(after.endedMs, before.endedMs);
        QVERIFY(after.tokenId() == before.tokenId() && after.projectId() == "proj-1" && after.model == "gpt-4o" && after.provider == "openai");
        QCOMPARE(after.countsTowardsQuota(), before.countsTowardsQuota());
    }

    void thePartsOfUsageAreToldAndReadBack()
    {
        RequestOutcome outcome = relayed();
        for (size_t part = 0; part < outcome.usage.parts.size(); ++part)
            outcome.usage.parts[part] = static_cast<int64_t>(part);
        outcome.usage.serviceTier = "flex";
        outcome.usage.estimated = true;
        const AuditEvent event = eventOf(outcome);
        QVERIFY(detailsJson(event).find(R"("prompt_tokens":7,"cached_tokens":0,"cache_write_tokens":1,"cache_write_1h_tokens":2,"reasoning_tokens":3,)"
                                        R"("audio_input_tokens":4,"audio_output_tokens":5,"image_input_tokens":6,"image_output_tokens":7,"searches":8,)"
                                        R"("seconds":9,"pages":10,"service_tier":"flex","estimated":true,"request_bytes":10,)") != std::string::npos);
        QVERIFY(outcomeOf(*parseAuditLine(auditLine(event))).usage == outcome.usage);
    }

    void whatWasNotReachedIsSaid()
    {
        RequestOutcome outcome = relayed();
        outcome.timings = {};
        outcome.timings.acceptedUs = outcome.timings.endUs = 2000;
        QVERIFY(detailsJson(eventOf(outcome)).find(R"("timing":[2,-1,-1,-1,-1,2])") != std::string::npos);
        const int64_t weekUs = 7 * int64_t{86'400'000'000};
        outcome.timings = {10'000'000, 60'000'000, 70'000'000, 70'000'000, 660'000'000, weekUs};
        const std::string details = detailsJson(eventOf(outcome));
        const size_t begin = details.find("\"timing\"");
        QVERIFY(details.find(']', begin) + 1 - begin <= 60);
    }

    // A start must not count such an event as a request: each of them was counted.
    void anEventThatCountsIsASummary()
    {
        const auto stored = parseAuditLine(R"({"timestamp":"2025-11-30T02:33:20.123Z","action":"token.access","actor":"client","result":"denied",)"
                                           R"("details":{"count":400,"reasons":"model_not_allowed:400","token_uuid":"t"}})");
        QVERIFY(stored.has_value());
        const RequestOutcome outcome = outcomeOf(*stored);
        QVERIFY(outcome.isSummary);
        QCOMPARE(outcome.count, int64_t{400});
        QVERIFY(!outcomeOf(*parseAuditLine(auditLine(eventOf(relayed())))).isSummary);
    }

    // An early step refuses a token that has ended: the event says both.
    void theStateOfATokenIsToldOnce()
    {
        RequestOutcome outcome = relayed();
        outcome.tokenState = outcome.reason = Reason::Revoked;
        QVERIFY(detailsJson(eventOf(outcome)).find("token_state") == std::string::npos);
        outcome.reason = Reason::EndpointNotFound;
        QCOMPARE(eventOf(outcome).text("token_state"), std::string_view("revoked"));
    }

    void whatIsARefusal()
    {
        RequestOutcome outcome = relayed();
        outcome.token = std::make_shared<const TokenEntry>(TokenTexts{"id", "id", "proj-1", "hmac", "tok-1234****cdef", "", ""}, TokenTerms{}, TokenHash{}, nullptr, nullptr);
        outcome.result = OutcomeResult::Denied;
        QVERIFY(!outcome.isRefusal()); // it was forwarded
        outcome.forwarded = false;
        QVERIFY(outcome.isRefusal());
        outcome.result = OutcomeResult::Error; // our trouble
        QVERIFY(!outcome.isRefusal());
        outcome.token = nullptr;
        outcome.result = OutcomeResult::Success; // a preflight
        QVERIFY(outcome.isRefusal());
    }

    void wordsAreUnique()
    {
        for (size_t at = 0; at < std::size(reasons::words); ++at)
            QVERIFY2(reasonNamed(reasons::words[at]) == static_cast<Reason>(at), reasons::words[at].data());
        QVERIFY(reasonNamed("of_a_later_version") == Reason::Other);
    }

    // Ruling 23.
    void whatCounts_data()
    {
        QTest::addColumn<bool>("forwarded");
        QTest::addColumn<int>("upstreamStatus");
        QTest::addColumn<int>("reason");
        QTest::addColumn<bool>("counts");
        const auto row = [](const char *name, bool forwarded, int status, Reason reason, bool counts) {
            QTest::newRow(name) << forwarded << status << static_cast<int>(reason) << counts;
        };
        row("answered", true, 200, Reason::None, true);
        row("the provider's 404", true, 404, Reason::None, true);
        row("its 429", true, 429, Reason::None, false);
        row("its 500", true, 500, Reason::UpstreamStatus, false);
        row("refused by us", false, 0, Reason::RateLimitExceeded, false);
        row("broken before an answer", true, 0, Reason::UpstreamReset, false);
        row("the client left", true, 0, Reason::ClientCancelled, true);
        row("no first byte", true, 0, Reason::UpstreamFirstByteTimeout, true);
        row("broken in the middle", true, 200, Reason::UpstreamTruncated, true);
    }

    void whatCounts()
    {
        QFETCH(bool, forwarded);
        QFETCH(int, upstreamStatus);
        QFETCH(int, reason);
        QFETCH(bool, counts);
        RequestOutcome outcome;
        outcome.forwarded = forwarded;
        outcome.upstreamStatus = upstreamStatus;
        outcome.reason = static_cast<Reason>(reason);
        outcome.result = outcome.reason == Reason::None ? OutcomeResult::Success : OutcomeResult::Error;
        QCOMPARE(outcome.countsTowardsQuota(), counts);
    }
};

REGISTER_TEST(TstOutcome)
#include "tst_outcome.moc"
