// SPDX-License-Identifier: GPL-3.0-only
// Which refusals have a line of their own, and that what is only counted adds up: ruling 47, sentence by sentence.
#include "engine/refusal_ledger.h"
#include "base/clock.h"
#include "test_registry.h"

#include <algorithm>

using namespace llmproxy;

namespace {

constexpr int64_t ledgerBeginMs = 1'764'460'800'000; // 2025-11-30T00:00:00Z

IpAddress addressOf(int number)
{
    IpAddress address = *IpAddress::parse("10.0.0.0");
    for (size_t at = 0; at < 3; ++at)
        address.bytes[15 - at] = static_cast<unsigned char>(number >> (8 * at));
    return address;
}

TokenPtr tokenNamed(const std::string &id)
{
    return std::make_shared<const TokenEntry>(TokenTexts{id, id, "proj-1", "hmac", "tok-1234****cdef", "", ""}, TokenTerms{}, TokenHash{}, nullptr, nullptr);
}

// A ledger with its clock and what it handed out.
struct Book
{
    bool add(const Refused &one) { return note(ledger.add(one, nowMs, &counted)); }
    bool stranger(const IpAddress &address, Reason reason = Reason::EndpointNotFound, RefusedKind kind = RefusedKind::Request)
    {
        return add({kind, address, reason, reason == Reason::RateLimitExceeded, nullptr, false});
    }
    bool stranger(const char *address, Reason reason = Reason::EndpointNotFound, RefusedKind kind = RefusedKind::Request)
    {
        return stranger(*IpAddress::parse(address), reason, kind);
    }
    bool ofToken(const TokenPtr &token, bool isValid, Reason reason, const char *address = "10.0.0.1")
    {
        return add({RefusedKind::Request, *IpAddress::parse(address), reason, reason == Reason::RateLimitExceeded, token, isValid});
    }
    void nextMinute()
    {
        nowMs += minuteMs;
        ledger.endMinute(nowMs, &counted);
    }
    int64_t countedSum() const
    {
        int64_t sum = 0;
        for (const CountedRefusals &one : counted)
            sum += one.count;
        return sum;
    }
    int64_t countsOfOneAddress() const
    {
        return std::count_if(counted.begin(), counted.end(), [](const CountedRefusals &one) { return !one.isOfAll && !one.token; });
    }

    RefusalLedger ledger;
    int64_t nowMs = ledgerBeginMs;
    std::vector<CountedRefusals> counted;
    int64_t lines = 0, refused = 0;

private:
    bool note(bool hasLine)
    {
        ++refused;
        lines += hasLine;
        return hasLine;
    }
};

} // namespace

class TstRefusalLedger : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void tenLinesOfAnAddress()
    {
        Book book;
        for (int i = 0; i < 54; ++i)
            QCOMPARE(book.stranger("192.0.2.7", i < 51 ? Reason::Malformed : Reason::EndpointNotFound), i < 10);
        QCOMPARE(book.counted.size(), size_t{1}); // at once
        QCOMPARE(book.counted[0].count, int64_t{1});
        QVERIFY(book.stranger("192.0.2.8")); // another address is another matter
        book.nextMinute();
        QCOMPARE(book.counted.size(), size_t{2});
        QCOMPARE(book.counted[1].count, int64_t{43});
        QCOMPARE(reasonsText(book.counted[1].reasons), std::string("malformed:40,endpoint_not_found:3"));
        QCOMPARE(book.countedSum() + book.lines, book.refused);
        QVERIFY(book.stranger("192.0.2.7")); // a new minute
    }

    void tooManyRequestsHaveNoLine()
    {
        Book book;
        for (int i = 0; i < 5; ++i)
            QVERIFY(!book.stranger("192.0.2.7", Reason::RateLimitExceeded));
        QVERIFY(book.stranger("192.0.2.7", Reason::Malformed)); // its ten are still there
        book.nextMinute();
        QCOMPARE(book.countedSum(), int64_t{5});
        QCOMPARE(book.countsOfOneAddress(), int64_t{2});
    }

    void loopbackIsNoException()
    {
        Book book;
        for (int i = 0; i < 11; ++i)
            QCOMPARE(book.stranger("127.0.0.1"), i < 10);
        for (int i = 0; i < 11; ++i)
            QCOMPARE(book.stranger("::1"), i < 10);
    }

    void aNetworkOfIpv6IsOneAddress()
    {
        Book book;
        for (int i = 0; i < 20; ++i)
            QCOMPARE(book.stranger(("2001:db8:1:2::" + std::to_string(i)).c_str()), i < 10);
        QVERIFY(book.stranger("2001:db8:1:3::1"));
        QCOMPARE(book.counted[0].event().clientIp, std::string("2001:db8:1:2::"));
    }

    void bothPlanesShareTheTen()
    {
        Book book;
        for (int i = 0; i < 6; ++i)
            QVERIFY(book.stranger("192.0.2.7"));
        for (int i = 0; i < 6; ++i)
            QCOMPARE(book.stranger("192.0.2.7", Reason::InvalidToken, RefusedKind::Management), i < 4);
        QVERIFY(!book.stranger("192.0.2.7"));
        book.nextMinute();
        QCOMPARE(book.counted.size(), size_t{3}); // each plane's first at once, and what management still had
        QCOMPARE(book.countedSum(), int64_t{3});
    }

    void linesOfAllAddresses()
    {
        Book book;
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < 5000; ++i)
                book.stranger(addressOf(i));
        }
        QCOMPARE(book.lines, RefusalLedger::linesOfMinute);
        QCOMPARE(book.counted.size(), size_t{1});
        QVERIFY(book.counted[0].isOfAll);
        book.nextMinute();
        QCOMPARE(book.counted.size(), size_t{2});
        QCOMPARE(book.counted[1].count, int64_t{10'000 - 600 - 1});
        QCOMPARE(book.counted[1].places.size(), size_t{5000});
        QVERIFY(detailsJson(book.counted[1].event()).find(R"("addresses":5000)") != std::string::npos);
    }

    void addressesAreExactToTenThousand()
    {
        Book book;
        for (int i = 0; i < 600 + 1 + 10'000; ++i)
            book.stranger(addressOf(i));
        book.nextMinute();
        QVERIFY(detailsJson(book.counted.at(1).event()).find(R"("addresses":10000)") != std::string::npos);
        for (int i = 0; i < 600 + 1 + 10'001; ++i)
            book.stranger(addressOf(i));
        book.nextMinute();
        QVERIFY(detailsJson(book.counted.at(3).event()).find(R"("addresses_at_least":10000)") != std::string::npos);
        QCOMPARE(book.countedSum() + book.lines, book.refused);
    }

    void linesOfADay()
    {
        Book book;
        for (int minute = 0; minute < 40; ++minute) {
            for (int i = 0; i < 700; ++i)
                book.stranger(addressOf(i));
            book.nextMinute();
        }
        QCOMPARE(book.lines, RefusalLedger::linesOfDay);
        QCOMPARE(book.countedSum() + book.lines, book.refused);
        book.nowMs = ledgerBeginMs + dayMs;
        QVERIFY(book.stranger("192.0.2.7"));
    }

    // Each 429 of its own address would be two lines.
    void countsOfAddressesHaveALimit()
    {
        Book book;
        for (int i = 0; i < 20'000; ++i)
            book.stranger(addressOf(i % 5000), Reason::RateLimitExceeded);
        book.nextMinute();
        QCOMPARE(book.lines, int64_t{0});
        QCOMPARE(book.countsOfOneAddress(), 2 * RefusalLedger::countsOfMinute);
        QCOMPARE(book.counted.size(), static_cast<size_t>(2 * RefusalLedger::countsOfMinute + 2));
        QCOMPARE(book.countedSum(), int64_t{20'000});
        for (int minute = 0; minute < 100; ++minute) {
            for (int i = 0; i < 100; ++i)
                book.stranger(addressOf(i), Reason::RateLimitExceeded);
            book.nextMinute();
        }
        QCOMPARE(book.countsOfOneAddress(), RefusalLedger::countsOfDay + RefusalLedger::countsOfMinute); // once only each: the second time there was nothing left
        QCOMPARE(book.countedSum(), book.refused);
    }

    void aTokenThatEndedIsCountedByItself()
    {
        Book book;
        const TokenPtr revoked = tokenNamed("revoked");
        for (int i = 0; i < 700; ++i)
            book.stranger(addressOf(i)); // the strangers' lines are used up
        book.counted.clear();
        const int64_t before = book.lines;
        for (int i = 0; i < 15; ++i)
            QCOMPARE(book.ofToken(revoked, false, i % 2 == 0 ? Reason::Revoked : Reason::RateLimitExceeded), i < 10); // 429 too
        QCOMPARE(book.lines - before, int64_t{10});
        QVERIFY(book.ofToken(tokenNamed("other"), false, Reason::Expired));
        QCOMPARE(book.counted.size(), size_t{1});
        const AuditEvent event = book.counted[0].event();
        QVERIFY(event.action == Action::TokenAccess);
        QCOMPARE(event.result, std::string("failure"));
        QCOMPARE(event.text("token_uuid"), std::string_view("revoked"));
        QCOMPARE(event.clientIp, std::string("10.0.0.1"));
    }

    void aValidTokenHasSixHundredLines()
    {
        Book book;
        const TokenPtr valid = tokenNamed("valid");
        for (int i = 0; i < 1000; ++i)
            QCOMPARE(book.ofToken(valid, true, Reason::ModelNotAllowed, ("10.0.0." + std::to_string(i % 3)).c_str()), i < 600);
        book.nextMinute();
        QCOMPARE(book.countedSum(), int64_t{400});
        QCOMPARE(book.counted.size(), size_t{2});
        const AuditEvent event = book.counted[1].event();
        QCOMPARE(event.result, std::string("denied"));
        QCOMPARE(detailsJson(event), std::string(R"({"token_id":"tok-1234****cdef","count":399,"reasons":"model_not_allowed:399","addresses":3,"forwarded":false,"token_uuid":"valid"})"));
        QVERIFY(event.clientIp.empty());
    }

    void answeredPreflightsAreCountedToo()
    {
        Book book;
        for (int i = 0; i < 30; ++i)
            book.stranger("192.0.2.7", Reason::Preflight, RefusedKind::Preflight);
        book.nextMinute();
        QCOMPARE(book.lines, int64_t{10});
        QCOMPARE(book.countedSum(), int64_t{20});
        const AuditEvent event = book.counted[1].event();
        QVERIFY(event.action == Action::TokenAccess && event.result == "success");
        QCOMPARE(event.text("reasons"), std::string_view("preflight:19"));
    }

    void whatALineSays()
    {
        Book book;
        for (int i = 0; i < 11; ++i)
            book.stranger("192.0.2.7", Reason::Malformed);
        for (int i = 0; i < 11; ++i)
            book.stranger("192.0.2.8", Reason::InvalidToken, RefusedKind::Management);
        AuditEvent event = book.counted.at(0).event();
        event.seq = 1;
        QCOMPARE(auditLine(event), std::string(R"({"timestamp":"2025-11-30T00:00:00.000Z","action":"auth.failure","actor":"client","client_ip":"192.0.2.7","result":"failure",)"
                                               R"("details":{"count":1,"reasons":"malformed:1","of":"token.access"},"seq":1})"));
        event = book.counted.at(1).event();
        QCOMPARE(event.actor, std::string("management"));
        QCOMPARE(detailsJson(event), std::string(R"({"count":1,"reasons":"invalid_token:1","of":"auth.failure"})"));
    }

    void theEndHandsOutTheRest()
    {
        Book book;
        const TokenPtr revoked = tokenNamed("revoked");
        for (int i = 0; i < 20; ++i) {
            book.stranger("192.0.2.7");
            book.ofToken(revoked, false, Reason::Revoked);
        }
        book.ledger.endAll(&book.counted);
        QCOMPARE(book.countedSum() + book.lines, book.refused);
        QCOMPARE(book.ledger.size(), size_t{0});
    }

    void aClockThatIsSetBackBeginsAMinute()
    {
        Book book;
        for (int i = 0; i < 20; ++i)
            book.stranger("192.0.2.7");
        book.nowMs -= hourMs;
        QVERIFY(book.stranger("192.0.2.7"));
        QCOMPARE(book.countedSum() + book.lines, book.refused);
    }

    // 200,000 addresses, and more tokens than are kept.
    void memoryIsBounded()
    {
        Book book;
        for (int i = 0; i < 200'000; ++i) {
            book.stranger(addressOf(i), i % 2 == 0 ? Reason::RateLimitExceeded : Reason::EndpointNotFound);
            book.stranger(addressOf(i), Reason::InvalidToken, RefusedKind::Management);
        }
        const auto addresses = static_cast<size_t>(RefusalLedger::linesOfMinute + RefusalLedger::countsOfMinute);
        QVERIFY2(book.ledger.size() <= addresses + 3 * RefusalLedger::mostPlaces, qPrintable(QString::number(book.ledger.size())));
        const size_t before = book.ledger.size();
        for (size_t i = 0; i < RefusalLedger::mostTokens + 100; ++i)
            QVERIFY(book.ofToken(tokenNamed(std::to_string(i)), true, Reason::ModelNotAllowed)); // those beyond keep their own lines
        QCOMPARE(book.ledger.size(), before + RefusalLedger::mostTokens);
        book.nextMinute();
        QCOMPARE(book.ledger.size(), size_t{0});
        QCOMPARE(book.countedSum() + book.lines, book.refused);
    }
};

REGISTER_TEST(TstRefusalLedger)
#include "tst_refusal_ledger.moc"
