// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "front/poller.h"

#include <stdexcept>
#include <thread>

using namespace llmproxy;

class TstPoller : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void postsInOrderFromAnotherThread();
    void timersFireInOrderAndMove();
    void stoppedTimerStaysSilent();
    void soonIsThisTurnButNotForEver();
    void timersDropEachOther();
    void whatThrowsBreaksItsOwnerOff();
};

void TstPoller::postsInOrderFromAnotherThread()
{
    Poller poller;
    std::vector<int> seen;
    std::thread other([&] {
        for (int i = 0; i < 1000; ++i)
            poller.post([&seen, i] { seen.push_back(i); });
        poller.stop();
    });
    poller.run();
    other.join();
    QCOMPARE(seen.size(), size_t{1000});
    QVERIFY(std::is_sorted(seen.begin(), seen.end()));
}

void TstPoller::timersFireInOrderAndMove()
{
    Poller poller;
    std::string order;
    Timer first(poller, [&] { order += 'a'; });
    Timer moved(poller, [&] { order += 'c'; poller.stop(); });
    Timer second(poller, [&] { order += 'b'; });
    first.start(1);
    moved.start(1);
    moved.start(20); // further away: no new place in the tree, still not before b
    second.start(10);
    poller.run();
    QCOMPARE(order, std::string("abc"));
}

void TstPoller::stoppedTimerStaysSilent()
{
    Poller poller;
    bool fired = false;
    Timer silent(poller, [&] { fired = true; });
    silent.start(1);
    silent.stop();
    {
        Timer gone(poller, [&] { fired = true; });
        gone.start(1);
    }
    Timer end(poller, [&] { poller.stop(); });
    end.start(10);
    poller.run();
    QVERIFY(!fired);
}

void TstPoller::soonIsThisTurnButNotForEver()
{
    Poller poller;
    int again = 0;
    std::string order;
    Timer busy(poller, [&] {
        order += 's';
        if (++again < 100)
            busy.start(0); // others get their turn all the same
    });
    Timer late(poller, [&] { order += 'l'; });
    Timer end(poller, [&] { poller.stop(); });
    late.start(2);
    busy.start(0);
    end.start(30);
    busy.start(0);
    poller.run();
    QCOMPARE(again, 100);
    QCOMPARE(order.front(), 's');
    QCOMPARE(std::count(order.begin(), order.end(), 'l'), std::ptrdiff_t{1});
    Timer moved(poller, [] {});
    moved.start(0);
    moved.start(60'000); // further than the wheel turns
    QVERIFY(moved.isActive());
}

void TstPoller::timersDropEachOther()
{
    Poller poller;
    int fired = 0;
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < 100; ++i) {
        timers.push_back(std::make_unique<Timer>(poller, [&, i] {
            ++fired;
            timers[static_cast<size_t>((i + 1) % 100)].reset(); // it may be the next of the same millisecond
        }));
        timers.back()->start(i % 3);
    }
    Timer end(poller, [&] { poller.stop(); });
    end.start(20);
    poller.run();
    QVERIFY(fired >= 50);
    QVERIFY(fired < 100);
}

// Its deadline does not come again: nobody else would close it.
void TstPoller::whatThrowsBreaksItsOwnerOff()
{
    struct Owner final : PollHandler
    {
        void onReady(uint32_t) override {}
        void onBroken() noexcept override { ++broken; }
        int broken = 0;
    } owner;
    Poller poller;
    const auto fails = [] { throw std::runtime_error("no memory"); };
    Timer owned(poller, fails, &owner);
    Timer single(poller, fails);
    auto gone = std::make_unique<Timer>(poller, [] {});
    gone = std::make_unique<Timer>(poller, [&] {
        gone.reset();
        throw std::runtime_error("no memory");
    }, &owner);
    Timer end(poller, [&] { poller.stop(); });
    for (Timer *timer : {&owned, &single, gone.get()})
        timer->start(1);
    end.start(10);
    poller.post([&] { runFor(&owner, fails); });
    poller.post([&] { runFor(nullptr, fails); });
    poller.run();
    QCOMPARE(owner.broken, 3);
}

REGISTER_TEST(TstPoller)
#include "tst_poller.moc"
