// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "fake_names.h"

using namespace llmproxy;
using test::FakeNames;

namespace {

// What was told to those who wait.
class Told
{
public:
    Resolver::Done done()
    {
        return [this](const NameAnswer &answer) {
            const std::lock_guard guard(m_lock);
            m_answers.push_back(answer);
            m_changed.notify_all();
        };
    }
    bool wait(size_t count)
    {
        std::unique_lock guard(m_lock);
        return m_changed.wait_for(guard, std::chrono::seconds(10), [&] { return m_answers.size() == count; });
    }
    NameAnswer last() const
    {
        const std::lock_guard guard(m_lock);
        return m_answers.back();
    }
    size_t count() const
    {
        const std::lock_guard guard(m_lock);
        return m_answers.size();
    }

private:
    mutable std::mutex m_lock;
    std::condition_variable m_changed;
    std::vector<NameAnswer> m_answers;
};

std::string nameNumber(size_t number)
{
    return "name-" + std::to_string(number) + ".test";
}

} // namespace

class TstResolver : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void init();
    void cleanup();
    void aNameIsLookedUpOnceForAllWhoWait();
    void answersAreKeptForAMinute();
    void failuresAreKeptForFiveSeconds();
    void theLastGoodAnswerServesWhileLookUpsFail();
    void theLastGoodAnswerServesWhileALookUpHangs();
    void theLastGoodAnswerGoesWithItsName();
    void theLastGoodAnswerServesForADay();
    void theSystemTellsUnknownNamesFromSilence();
    void thereAreEightThreads();
    void namesThatFailedLastTakeHalfOfTheThreads();
    void whoCancelsLeavesAtOnce();
    void aFullQueueIsSaid();
    void waiting();
    void theEndWaitsForNoLookUp();

private:
    // Waits for the answer.
    NameAnswer ask(const std::string &name);
    void resolve(const std::string &name, uint64_t *ticket = nullptr);

    std::unique_ptr<FakeNames> m_names;
    std::unique_ptr<Told> m_told; // before the resolver: it tells
    std::unique_ptr<Resolver> m_resolver;
    std::atomic<int64_t> m_nowMs{0};
    std::optional<NameAnswer> m_known;
};

void TstResolver::init()
{
    m_nowMs = 1'000;
    m_names = std::make_unique<FakeNames>();
    m_told = std::make_unique<Told>();
    m_resolver = std::make_unique<Resolver>(m_names->lookUp(), [this] { return m_nowMs.load(); });
    m_names->answer("a.test", {"192.0.2.1", "2001:db8::1"});
}

void TstResolver::cleanup()
{
    m_names->hang(false);
    m_resolver.reset();
}

void TstResolver::resolve(const std::string &name, uint64_t *ticket)
{
    uint64_t unused = 0;
    m_known = m_resolver->resolve(name, m_told->done(), ticket ? ticket : &unused);
}

NameAnswer TstResolver::ask(const std::string &name)
{
    return m_resolver->wait(name, 10'000, [] { return false; });
}

void TstResolver::aNameIsLookedUpOnceForAllWhoWait()
{
    m_names->hang(true);
    for (int i = 0; i < 50; ++i) {
        resolve("a.test");
        QVERIFY(!m_known);
    }
    QVERIFY(m_names->waitRunning(1));
    m_names->hang(false);
    QVERIFY(m_told->wait(50));
    QCOMPARE(m_told->last().addresses.size(), size_t{2});
    QCOMPARE(m_names->lookUps("a.test"), 1);
}

void TstResolver::answersAreKeptForAMinute()
{
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
    m_nowMs += 59'999;
    resolve("a.test");
    QVERIFY(m_known && m_known->addresses.front() == *IpAddress::parse("192.0.2.1"));
    m_names->answer("a.test", {"192.0.2.7"});
    m_nowMs += 1;
    QVERIFY(ask("a.test").addresses.front() == *IpAddress::parse("192.0.2.7"));
    QCOMPARE(m_names->lookUps("a.test"), 2);
}

void TstResolver::failuresAreKeptForFiveSeconds()
{
    QCOMPARE(ask("b.test").kind, NameAnswer::Kind::Failed);
    m_nowMs += 4'999;
    resolve("b.test");
    QVERIFY(m_known && m_known->kind == NameAnswer::Kind::Failed);
    m_nowMs += 1;
    m_names->answer("b.test", {"192.0.2.2"});
    QCOMPARE(ask("b.test").kind, NameAnswer::Kind::Found);
    QCOMPARE(m_names->lookUps("b.test"), 2);
}

void TstResolver::theLastGoodAnswerServesWhileLookUpsFail()
{
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
    m_names->answer("a.test", {});
    m_nowMs += 60'000;
    QCOMPARE(ask("a.test").addresses.size(), size_t{2});
    QCOMPARE(m_names->lookUps("a.test"), 2);
    m_nowMs += 4'999;
    resolve("a.test");
    QVERIFY(m_known && m_known->kind == NameAnswer::Kind::Found);
    QCOMPARE(m_names->lookUps("a.test"), 2);
    m_nowMs += 1; // looked up again meanwhile, and nobody waits for that
    m_names->answer("a.test", {"192.0.2.7"});
    resolve("a.test");
    QVERIFY(m_known && m_known->addresses.size() == 2);
    QVERIFY(m_names->waitLookUps("a.test", 3));
    QTRY_COMPARE(ask("a.test").addresses.front().toString(), std::string("192.0.2.7"));
}

void TstResolver::theLastGoodAnswerServesWhileALookUpHangs()
{
    QVERIFY(!m_resolver->lastGood("a.test"));
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
    m_nowMs += 60'000;
    m_names->hang(true);
    resolve("a.test");
    QVERIFY(!m_known);
    QVERIFY(m_names->waitRunning(1));
    QVERIFY(m_resolver->lastGood("a.test")->addresses.size() == 2);
    m_nowMs += Resolver::patienceMs;
    resolve("a.test");
    QVERIFY(m_known && m_known->addresses.size() == 2);
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
}

// "No such name" is an answer: what was known before is not its address any more.
void TstResolver::theLastGoodAnswerGoesWithItsName()
{
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
    m_names->forget("a.test");
    m_nowMs += 60'000;
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Failed);
    QVERIFY(!m_resolver->lastGood("a.test"));
    m_names->answer("a.test", {}); // nobody answers now: that brings nothing back
    m_nowMs += Resolver::failureKeptMs;
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Failed);
    m_names->answer("a.test", {"192.0.2.7"});
    m_nowMs += Resolver::failureKeptMs;
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
}

void TstResolver::theLastGoodAnswerServesForADay()
{
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
    m_names->answer("a.test", {});
    m_nowMs += 60'000;
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found);
    m_nowMs += Resolver::staleMs - 60'001;
    resolve("a.test");
    QVERIFY(m_known && m_known->kind == NameAnswer::Kind::Found);
    QVERIFY(m_names->waitLookUps("a.test", 3));
    m_nowMs += 1;
    QVERIFY(!m_resolver->lastGood("a.test"));
    m_nowMs += Resolver::failureKeptMs;
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Failed);
}

void TstResolver::theSystemTellsUnknownNamesFromSilence()
{
    QVERIFY(!systemLookUp("localhost").isUnknown);
    QVERIFY(!systemLookUp("localhost").addresses.empty());
    // Longer than a name may be: known to be none without a question to anybody.
    const NameLookUp none = systemLookUp(std::string(300, 'a'));
    QVERIFY(none.addresses.empty());
    QVERIFY(none.isUnknown);
}

void TstResolver::thereAreEightThreads()
{
    m_names->hang(true);
    for (size_t i = 0; i < 40; ++i)
        resolve(nameNumber(i));
    QVERIFY(m_names->waitRunning(8));
    m_names->hang(false);
    QVERIFY(m_told->wait(40));
    QCOMPARE(m_names->mostRunning(), size_t{8});
}

void TstResolver::namesThatFailedLastTakeHalfOfTheThreads()
{
    for (size_t i = 0; i < 20; ++i)
        resolve(nameNumber(i));
    QVERIFY(m_told->wait(20));
    m_nowMs += Resolver::failureKeptMs;
    m_names->hang(true);
    for (size_t i = 0; i < 20; ++i)
        resolve(nameNumber(i));
    QVERIFY(m_names->waitRunning(4));
    for (size_t i = 100; i < 120; ++i) // unknown until now: these have the other half
        resolve(nameNumber(i));
    QVERIFY(m_names->waitRunning(8));
    m_names->hang(false);
    QVERIFY(m_told->wait(60));
}

void TstResolver::whoCancelsLeavesAtOnce()
{
    m_names->hang(true);
    for (size_t i = 0; i < 8; ++i)
        resolve(nameNumber(i));
    QVERIFY(m_names->waitRunning(8));
    uint64_t running = 0, queued = 0;
    resolve(nameNumber(0), &running);
    resolve("queued.test", &queued);
    m_resolver->cancel(running);
    m_resolver->cancel(queued);
    m_names->hang(false);
    QVERIFY(m_told->wait(8));
    QCOMPARE(ask("a.test").kind, NameAnswer::Kind::Found); // behind it, were it still queued
    QCOMPARE(m_told->count(), size_t{8});
    QCOMPARE(m_names->lookUps("queued.test"), 0);
}

void TstResolver::aFullQueueIsSaid()
{
    m_names->hang(true);
    for (size_t i = 0; i < 8; ++i)
        resolve(nameNumber(i));
    QVERIFY(m_names->waitRunning(8));
    uint64_t last = 0;
    for (size_t i = 0; i < Resolver::mostQueued; ++i) {
        resolve(nameNumber(100 + i), &last);
        QVERIFY(!m_known);
    }
    resolve("one-more.test");
    QVERIFY(m_known && m_known->kind == NameAnswer::Kind::Busy);
    resolve(nameNumber(100)); // who waits for a name of the queue needs no place
    QVERIFY(!m_known);
    m_resolver->cancel(last);
    resolve("one-more.test");
    QVERIFY(!m_known);
}

void TstResolver::waiting()
{
    m_names->hang(true);
    QCOMPARE(m_resolver->wait("a.test", 1, [] { return false; }).kind, NameAnswer::Kind::TimedOut);
    QCOMPARE(m_resolver->wait("a.test", 60'000, [] { return true; }).kind, NameAnswer::Kind::Failed);
}

void TstResolver::theEndWaitsForNoLookUp()
{
    m_names->hang(true);
    resolve("a.test");
    QVERIFY(m_names->waitRunning(1));
    m_resolver.reset();
    m_names->hang(false);
    QVERIFY(m_names->waitLookUps("a.test", 1));
    QCOMPARE(m_told->count(), size_t{0});
}

REGISTER_TEST(TstResolver)
#include "tst_resolver.moc"
