// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "front/poller.h"

#include <thread>

using namespace llmproxy;

class TstPoller : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void postsInOrderFromAnotherThread();
    void timersFireInOrderAndMove();
    void stoppedTimerStaysSilent();
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

REGISTER_TEST(TstPoller)
#include "tst_poller.moc"
