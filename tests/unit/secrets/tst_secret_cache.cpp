// SPDX-License-Identifier: GPL-3.0-only
// The cache of referenced secrets beside a source that answers when the test says so, and the sources themselves.
#include "base/clock.h"
#include "config/settings.h"
#include "secrets/env_source.h"
#include "secrets/file_source.h"
#include "secrets/secret_cache.h"
#include "test_registry.h"

#include <QFile>
#include <QTemporaryDir>

#include <future>
#include <mutex>
#include <thread>
#include <sys/stat.h>

using namespace llmproxy;

namespace {

SharedSecret secret(const char *text)
{
    return std::make_shared<const Secret>(text);
}

// "slow:NAME", which answers by answer() alone.
class SlowSource final : public SecretSource
{
public:
    std::string_view scheme() const override { return "slow:"; }
    Outcome check(const std::string &) const override { return {}; }
    void fetch(const std::string &, Done done) override { asked.push_back(std::move(done)); }
    void answer(SharedSecret value)
    {
        for (const Done &done : std::exchange(asked, {}))
            done(value);
    }
    std::vector<Done> asked;
};

struct Rig
{
    explicit Rig(int64_t staleMs = 10 * minuteMs)
    {
        auto made = std::make_unique<SlowSource>();
        source = made.get();
        SecretSources sources;
        sources.push_back(std::move(made));
        sources.push_back(std::make_unique<EnvSource>(isOwnVariable));
        cache = std::make_unique<SecretCache>(std::move(sources), staleMs);
    }
    // Without its thread: what is due is done by tick().
    void observe(std::set<std::string> inUse)
    {
        cache->observe([inUse] { return inUse; }, [this](const std::string &reference) {
            const std::lock_guard guard(lock);
            changed.push_back(reference);
        });
    }
    size_t changes()
    {
        const std::lock_guard guard(lock);
        return changed.size();
    }
    void later(int64_t ms)
    {
        Clock::advanceForTest(ms);
        shifted += ms;
        cache->tick();
    }
    ~Rig()
    {
        cache.reset();
        Clock::advanceForTest(-shifted);
    }

    SlowSource *source = nullptr;
    std::mutex lock;
    std::vector<std::string> changed;
    std::unique_ptr<SecretCache> cache;
    int64_t shifted = 0;
};

bool isReady(const SecretCache::Peeked &peeked, const char *value)
{
    return peeked.state == SecretState::Ready && peeked.value && peeked.value->equals(value);
}

} // namespace

class TstSecretCache : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aSourceThatNeverAnswersHoldsUpNobody()
    {
        Rig rig;
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Pending);
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Pending);
        QCOMPARE(rig.source->asked.size(), size_t{1}); // once
        qputenv("TST_PROVIDER_KEY", "from-environment");
        QVERIFY(isReady(rig.cache->peek("env:TST_PROVIDER_KEY"), "from-environment")); // at once
        bool told = false;
        rig.cache->whenAnswered("slow:a", 1'000'000, [&] { told = true; });
        QVERIFY(!told);
        rig.cache->stop(); // does not wait for it, and forgets nobody
        QVERIFY(told);
        rig.source->answer(secret("late"));
    }

    void aValueArrivesAsAnUpdate()
    {
        Rig rig;
        rig.observe({"slow:a"});
        rig.cache->peek("slow:a");
        bool told = false;
        rig.cache->whenAnswered("slow:a", 1'000'000, [&] { told = true; });
        QCOMPARE(rig.changes(), size_t{0});
        rig.source->answer(secret("one"));
        QCOMPARE(rig.changed, std::vector<std::string>{"slow:a"});
        QVERIFY(told);
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one"));
        told = false;
        rig.cache->whenAnswered("slow:a", 1'000'000, [&] { told = true; });
        QVERIFY(told); // at once
        rig.cache->stop();
    }

    void settlingWaitsForAnswersThatWereTold()
    {
        Rig rig;
        rig.observe({"slow:a"});
        rig.cache->settle(1'000'000); // nothing is asked
        rig.cache->peek("slow:a");
        rig.cache->settle(1); // it does not answer
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Pending);
        std::thread answers([&] { rig.source->answer(secret("one")); });
        rig.cache->settle(1'000'000);
        QCOMPARE(rig.changes(), size_t{1});
        answers.join();
    }

    void itIsAskedAgainBeforeItIsAMinuteOld()
    {
        Rig rig;
        rig.observe({"slow:a"});
        rig.cache->peek("slow:a");
        rig.source->answer(secret("one"));
        rig.later(29'000);
        QCOMPARE(rig.source->asked.size(), size_t{0});
        rig.later(1'500);
        QCOMPARE(rig.source->asked.size(), size_t{1});
        rig.later(31'000);
        QCOMPARE(rig.source->asked.size(), size_t{1}); // not twice at a time
        rig.source->answer(secret("one"));
        QCOMPARE(rig.changes(), size_t{1}); // the same is no news
        rig.later(31'000);
        rig.source->answer(secret("two"));
        QCOMPARE(rig.changes(), size_t{2});
        QVERIFY(isReady(rig.cache->peek("slow:a"), "two"));
    }

    void theLastGoodValueServesForAWhile_data()
    {
        QTest::addColumn<qint64>("staleMs");
        QTest::addColumn<bool>("answers");
        QTest::newRow("it answers that there is none") << qint64{10 * minuteMs} << true;
        QTest::newRow("it never answers") << qint64{10 * minuteMs} << false;
    }

    void theLastGoodValueServesForAWhile()
    {
        QFETCH(qint64, staleMs);
        QFETCH(bool, answers);
        Rig rig(staleMs);
        rig.observe({"slow:a"});
        rig.cache->peek("slow:a");
        rig.source->answer(secret("one"));
        const int64_t lasts = std::max<int64_t>(staleMs, minuteMs);
        for (int64_t passed = 0; passed + 20'000 < lasts; passed += 20'000) {
            rig.later(20'000);
            if (answers)
                rig.source->answer(nullptr);
            QVERIFY(isReady(rig.cache->peek("slow:a"), "one"));
        }
        QCOMPARE(rig.changes(), size_t{1});
        rig.later(21'000);
        if (answers)
            rig.source->answer(nullptr);
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Away);
        QVERIFY(!rig.cache->peek("slow:a").value);
        QCOMPARE(rig.changes(), size_t{2});
        rig.later(16'000);
        rig.source->answer(secret("back"));
        QVERIFY(isReady(rig.cache->peek("slow:a"), "back"));
        QCOMPARE(rig.changes(), size_t{3});
    }

    void withZeroAFailureIsTheEnd()
    {
        Rig rig(0);
        rig.observe({"slow:a"});
        rig.cache->peek("slow:a");
        rig.source->answer(secret("one"));
        rig.later(31'000);
        QCOMPARE(rig.source->asked.size(), size_t{1});
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one")); // it is still fresh, and its source only slow
        rig.later(28'000);
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one"));
        rig.later(2'000);
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Away);
        rig.source->answer(secret("one"));
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one"));
        rig.later(31'000);
        rig.source->answer(nullptr);
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Away);
    }

    void whileItIsAwayItIsAskedMoreAndMoreRarely()
    {
        Rig rig;
        rig.observe({"slow:a"});
        rig.cache->peek("slow:a");
        rig.source->answer(nullptr);
        QVERIFY(rig.cache->peek("slow:a").state == SecretState::Away);
        for (const int64_t wait : {1'000, 2'000, 4'000, 8'000, 15'000, 15'000}) {
            rig.later(wait - 100);
            QCOMPARE(rig.source->asked.size(), size_t{0});
            rig.later(200);
            QCOMPARE(rig.source->asked.size(), size_t{1});
            rig.source->answer(nullptr);
        }
    }

    void whatNobodyUsesIsForgotten()
    {
        Rig rig;
        rig.observe({"slow:used"});
        rig.cache->peek("slow:used");
        rig.cache->peek("slow:tried");
        rig.source->answer(secret("one"));
        rig.later(31'000);
        QCOMPARE(rig.source->asked.size(), size_t{1});
    }

    void whatComesIntoUseIsAskedFor()
    {
        Rig rig;
        rig.observe({"slow:a"}); // forgotten, or never asked for, before its project was saved
        rig.cache->tick();
        QCOMPARE(rig.source->asked.size(), size_t{1});
        rig.source->answer(secret("one"));
        QCOMPARE(rig.changes(), size_t{1});
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one"));
    }

    void whatWasLookedAtJustNowIsKept()
    {
        Rig rig;
        rig.observe({});
        rig.cache->peek("slow:a");
        rig.source->answer(secret("one"));
        rig.later(25'000);
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one")); // a project is about to be saved with it
        rig.later(10'000);
        QVERIFY(isReady(rig.cache->peek("slow:a"), "one"));
        QCOMPARE(rig.source->asked.size(), size_t{1}); // kept, and due
    }

    void aLateWaiterIsTold()
    {
        Rig rig;
        rig.observe({});
        bool told = false;
        rig.cache->whenAnswered("slow:a", 0, [&] { told = true; });
        rig.cache->tick();
        QVERIFY(told);
        rig.cache->stop();
        const std::atomic<bool> cancelled{true};
        QVERIFY(rig.cache->wait("slow:b", 1'000'000, cancelled).state == SecretState::Pending);
    }

    void referencesAreJudgedByTheirForm()
    {
        QTemporaryDir dir;
        SecretCache cache(makeSecretSources(dir.path().toStdString(), {}, isOwnVariable), minuteMs);
        QVERIFY(isReference("env:X") && isReference("file:/x") && isReference("vault:a#b") && !isReference("sk-abc"));
        QVERIFY(!cache.check("env:TST_PROVIDER_KEY").has_value());
        QVERIFY(!cache.check("file:" + dir.path().toStdString() + "/secrets/not-there-yet").has_value());
        QVERIFY(!cache.check("file:/run/secrets/x").has_value());
        for (const char *bad : {"env:MANAGEMENT_TOKEN", "env:ENCRYPTION_KEY", "env:", "env:A B", "file:/etc/passwd", "file:relative",
                                "keychain:X", "vault:a#b", "aws-sm:a#b", "sk-abc"})
            QVERIFY2(cache.check(bad).has_value(), bad);
        QVERIFY(cache.check("file:" + dir.path().toStdString() + "/secrets/../../etc/passwd").has_value());
        QVERIFY(cache.peek("file:/etc/passwd").state == SecretState::Away); // not read either
    }

    // Whatever is declared later is ours as well.
    void noReferenceNamesAVariableOfOurs()
    {
        QTemporaryDir dir;
        SecretCache cache(makeSecretSources(dir.path().toStdString(), {}, isOwnVariable), minuteMs);
        std::vector<std::string> names{"VAULT_TOKEN", "VAULT_ADDR", "AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "LLM_PROXY_ANYTHING", "CREDENTIALS_DIRECTORY",
                                       "https_proxy", "MANAGEMENT_TOKEN_FILE", "ENCRYPTION_KEY_OLD"};
        for (const SettingDeclaration &setting : settingDeclarations())
            names.push_back(setting.name);
        for (const std::string &name : names)
            QVERIFY2(cache.check("env:" + name).has_value(), name.c_str());
        for (const char *theirs : {"OPENAI_API_KEY", "TEAM_KEY", "MANAGEMENT", "MY_LISTEN_ADDR"})
            QVERIFY2(!cache.check(std::string("env:") + theirs).has_value(), theirs);
    }

    void filesAreReadOnThreadsOfTheirOwn()
    {
        QTemporaryDir dir;
        QVERIFY(QDir(dir.path()).mkdir(QStringLiteral("secrets")));
        const std::string folder = dir.path().toStdString() + "/secrets/";
        const auto write = [&](const char *name, const char *text) {
            QFile file(QString::fromStdString(folder + name));
            QVERIFY(file.open(QIODevice::WriteOnly) && file.write(text) > 0);
        };
        write("key", "from-file\n");
        write("two-lines", "a\nb\n");
        QVERIFY(QFile::link(QStringLiteral("/etc/hostname"), QString::fromStdString(folder + "out")));
        QCOMPARE(mkfifo((folder + "pipe").c_str(), 0600), 0);
        SecretCache cache(makeSecretSources(dir.path().toStdString(), {}, isOwnVariable), minuteMs);
        const std::atomic<bool> cancelled{false};
        const auto read = [&](const char *name) { return cache.wait("file:" + folder + name, 20'000, cancelled); };
        QVERIFY(isReady(read("key"), "from-file"));
        for (const char *bad : {"two-lines", "out", "pipe", "none"})
            QVERIFY2(read(bad).state == SecretState::Away, bad);
        // More at once than there are readers: each comes to its turn.
        std::vector<std::string> many;
        for (int i = 0; i < 60; ++i) {
            many.push_back("many-" + std::to_string(i));
            write(many.back().c_str(), many.back().c_str());
        }
        for (const std::string &name : many)
            cache.peek("file:" + folder + name);
        for (const std::string &name : many)
            QVERIFY2(isReady(read(name.c_str()), name.c_str()), name.c_str());
        // The folder as it is, and by a link to it.
        QTemporaryDir other;
        const QString link = other.filePath(QStringLiteral("data"));
        QVERIFY(QFile::link(dir.path(), link));
        SecretCache linked(makeSecretSources(link.toStdString(), {}, isOwnVariable), minuteMs);
        QVERIFY(isReady(linked.wait("file:" + link.toStdString() + "/secrets/key", 20'000, cancelled), "from-file"));
        QVERIFY(isReady(linked.wait("file:" + folder + "key", 20'000, cancelled), "from-file"));
    }
};

REGISTER_TEST(TstSecretCache)
#include "tst_secret_cache.moc"
