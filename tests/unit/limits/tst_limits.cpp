// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "limits/address_limits.h"
#include "limits/lease.h"

#include <thread>

using namespace llmproxy;

class TstLimits : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void burstAndRefill();
    void quotaIsExactOverThreads();
    void concurrencyCannotLeak();
    void aRefusalGivesBackAllButTheRate();
    void addresses();
    void theClockIsSetBack();
};

namespace {

constexpr int64_t startUs = 1'700'000'000'000'000;

} // namespace

void TstLimits::burstAndRefill()
{
    std::atomic<int64_t> tat{0};
    for (int i = 0; i < 60; ++i) {
        const RateDecision decision = takeRate(tat, 60, startUs);
        QVERIFY(decision.allowed);
        QCOMPARE(decision.remaining, int64_t{59 - i});
    }
    const RateDecision full = takeRate(tat, 60, startUs);
    QVERIFY(!full.allowed);
    QCOMPARE(full.retryAfterSeconds, int64_t{1});
    QCOMPARE(full.resetSeconds, int64_t{60});
    QVERIFY(takeRate(tat, 60, startUs + 1'000'000).allowed); // one a second
    QVERIFY(!takeRate(tat, 60, startUs + 1'000'000).allowed);
    QVERIFY(takeRate(tat, 0, startUs).allowed);
}

void TstLimits::theClockIsSetBack()
{
    std::atomic<int64_t> tat{0};
    QVERIFY(takeRate(tat, 60, startUs).allowed);
    const int64_t hourBefore = startUs - 3'600'000'000;
    QCOMPARE(takeRate(tat, 60, hourBefore).retryAfterSeconds, int64_t{1}); // not an hour
    QVERIFY(takeRate(tat, 60, hourBefore + 1'000'000).allowed);
    QVERIFY(!takeRate(tat, 60, hourBefore + 1'000'000).allowed);
}

void TstLimits::quotaIsExactOverThreads()
{
    const auto state = std::make_shared<LineageState>();
    std::atomic<int> admitted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                Reason code = Reason::None;
                RateDecision rate;
                Lease lease = Lease::acquire(state, {500, 0, 0}, startUs, &code, &rate);
                if (code != Reason::None)
                    continue;
                ++admitted;
                lease.settle(true);
            }
        });
    }
    for (std::thread &thread : threads)
        thread.join();
    QVERIFY(admitted <= 500);
    QCOMPARE(state->requests.load(), int64_t{admitted});
    QCOMPARE(state->inFlight.load(), int64_t{0});
    QCOMPARE(state->active.load(), int64_t{0});
}

void TstLimits::concurrencyCannotLeak()
{
    const auto state = std::make_shared<LineageState>();
    for (int i = 0; i < 200; ++i) {
        Reason code = Reason::None;
        RateDecision rate;
        Lease one = Lease::acquire(state, {0, 0, 1}, startUs, &code, &rate);
        QVERIFY(code == Reason::None);
        Lease two = Lease::acquire(state, {0, 0, 1}, startUs, &code, &rate);
        QCOMPARE(code, Reason::TooManyConcurrent);
        Lease moved = std::move(one); // and dropped without a word
    }
    QCOMPARE(state->active.load(), int64_t{0});
}

void TstLimits::aRefusalGivesBackAllButTheRate()
{
    const auto state = std::make_shared<LineageState>();
    Reason code = Reason::None;
    RateDecision rate;
    Lease held = Lease::acquire(state, {5, 4, 1}, startUs, &code, &rate);
    QCOMPARE(rate.remaining, int64_t{3});
    const Lease refused = Lease::acquire(state, {5, 4, 1}, startUs, &code, &rate);
    QCOMPARE(code, Reason::TooManyConcurrent);
    QCOMPARE(rate.remaining, int64_t{2});
    held.release(); // a later step refuses
    QCOMPARE(state->active.load() + state->inFlight.load() + state->requests.load(), int64_t{0});
    const Lease next = Lease::acquire(state, {5, 4, 1}, startUs, &code, &rate);
    QCOMPARE(code, Reason::None);
    QCOMPARE(rate.remaining, int64_t{1});
    const Lease exhausted = Lease::acquire(state, {1, 4, 9}, startUs, &code, &rate);
    QCOMPARE(code, Reason::RequestQuotaExceeded);
    const Lease late = Lease::acquire(state, {5, 4, 9}, startUs, &code, &rate);
    QCOMPARE(code, Reason::RateLimitExceeded);
}

void TstLimits::addresses()
{
    AddressPolicy policy;
    policy.requestsPerMinute = 2;
    policy.authFailuresPerMinute = 1;
    policy.connectionsPerAddress = 1;
    AddressLimits limits(policy);
    const IpAddress client = *IpAddress::parse("192.0.2.7");
    const IpAddress loopback = *IpAddress::parse("127.0.0.1");
    QVERIFY(limits.takeRequest(client, startUs).allowed);
    QVERIFY(limits.takeRequest(client, startUs).allowed);
    QVERIFY(!limits.takeRequest(client, startUs).allowed);
    QVERIFY(limits.takeAuthFailure(client, startUs).allowed);
    QVERIFY(!limits.takeAuthFailure(client, startUs).allowed);
    for (int i = 0; i < 10; ++i)
        QVERIFY(limits.takeRequest(loopback, startUs).allowed && limits.connectionOpened(loopback));
    QVERIFY(limits.connectionOpened(client));
    QVERIFY(!limits.connectionOpened(client));
    limits.connectionClosed(client);
    QVERIFY(limits.connectionOpened(client));
    QVERIFY(limits.takeAuthFailure(*IpAddress::parse("2001:db8::1"), startUs).allowed);
    QVERIFY(!limits.takeAuthFailure(*IpAddress::parse("2001:db8::2"), startUs).allowed); // the same /64
}

REGISTER_TEST(TstLimits)
#include "tst_limits.moc"
