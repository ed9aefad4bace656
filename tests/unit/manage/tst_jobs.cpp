// SPDX-License-Identifier: GPL-3.0-only
// Who may start a job beside which, and when the next can be started.
#include "test_registry.h"

#include "manage/jobs.h"

#include <QSemaphore>

#include <stdexcept>

using namespace llmproxy;

class TstJobs : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void refusesASecondCaller();
    void letsACallerWaitForTheEnginesOwn();
    void canBeStartedByTheTimeOfTheAnswer();
    void endsWhatWaits();
    void aJobThatThrowsIsToldAndOver();
};

namespace {

// A job that lasts until the test lets it go on.
struct Held
{
    QSemaphore begun, mayEnd, ended;
    Jobs::Work work()
    {
        return [this](const std::atomic<bool> &) { begun.release(), mayEnd.acquire(), ended.release(); };
    }
};

} // namespace

void TstJobs::refusesASecondCaller()
{
    Held first;
    Jobs jobs;
    QVERIFY(jobs.start(first.work(), {}));
    first.begun.acquire();
    QVERIFY(!jobs.start([](const std::atomic<bool> &) {}, {}));
    QVERIFY(!jobs.startOwn([](const std::atomic<bool> &) {}));
    first.mayEnd.release();
}

void TstJobs::letsACallerWaitForTheEnginesOwn()
{
    Held own, caller;
    Jobs jobs;
    QVERIFY(jobs.startOwn(own.work()));
    own.begun.acquire();
    QVERIFY(jobs.start(caller.work(), {}));
    QVERIFY(!jobs.start([](const std::atomic<bool> &) {}, {})); // one waits
    QVERIFY(!jobs.startOwn([](const std::atomic<bool> &) {}));
    QVERIFY(!caller.begun.available());
    own.mayEnd.release();
    caller.begun.acquire();
    QVERIFY(own.ended.available());
    QVERIFY(!jobs.start([](const std::atomic<bool> &) {}, {}));
    caller.mayEnd.release();
}

void TstJobs::canBeStartedByTheTimeOfTheAnswer()
{
    QSemaphore answered;
    Jobs jobs;
    QVERIFY(jobs.start([&](const std::atomic<bool> &) { jobs.afterwards([&] { answered.release(); }); }, {}));
    answered.acquire();
    QVERIFY(!jobs.isRunning());
    QVERIFY(jobs.start([](const std::atomic<bool> &) {}, {}));
}

void TstJobs::endsWhatWaits()
{
    Held own;
    Jobs jobs;
    bool sawTheEnd = false;
    QVERIFY(jobs.startOwn([&](const std::atomic<bool> &cancelled) {
        own.begun.release();
        while (!cancelled)
            std::this_thread::yield();
    }));
    own.begun.acquire();
    QVERIFY(jobs.start([&](const std::atomic<bool> &cancelled) { sawTheEnd = cancelled; }, {}));
    jobs.end();
    QVERIFY(sawTheEnd); // it ran, and answered whoever waits
    QVERIFY(!jobs.start([](const std::atomic<bool> &) {}, {}));
}

void TstJobs::aJobThatThrowsIsToldAndOver()
{
    QSemaphore told;
    Jobs jobs;
    const auto throws = [](const std::atomic<bool> &) { throw std::runtime_error("no memory"); };
    const auto throwsAtItsAnswer = [&](const std::atomic<bool> &) { jobs.afterwards([] { throw 1; }); };
    for (const Jobs::Work &work : {Jobs::Work(throws), Jobs::Work(throwsAtItsAnswer)}) {
        QVERIFY(jobs.start(work, [&] { told.release(); }));
        QVERIFY(told.tryAcquire(1, 20'000));
        QVERIFY(!jobs.isRunning());
    }
    QVERIFY(jobs.startOwn(throws)); // whom nobody waits for
    jobs.end();
}

REGISTER_TEST(TstJobs)
#include "tst_jobs.moc"
