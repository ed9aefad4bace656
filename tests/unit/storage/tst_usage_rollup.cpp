// SPDX-License-Identifier: GPL-3.0-only
// What was used is counted once, whatever happens to the events, and summed up by anything.
#include "base/clock.h"
#include "exchange/outcome_event.h"
#include "storage/audit_rows.h"
#include "storage/database.h"
#include "storage/migrations.h"
#include "storage/usage_query.h"
#include "storage/usage_rollup.h"
#include "test_registry.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

using namespace llmproxy;

namespace {

RequestOutcome request(const char *project, const char *token, const char *model, int64_t durationMs, OutcomeResult result = OutcomeResult::Success)
{
    RequestOutcome outcome;
    outcome.result = result;
    outcome.storedProject = project;
    outcome.storedToken = token;
    outcome.provider = "openai";
    outcome.model = model;
    outcome.endedMs = Clock::wallMs();
    outcome.durationMs = durationMs;
    outcome.usage.promptTokens = 3;
    outcome.usage.completionTokens = 4;
    outcome.forwarded = result == OutcomeResult::Success || result == OutcomeResult::Error;
    return outcome;
}

// A database file with its schema, and a connection that writes it.
struct Store
{
    Store() : path(dir.filePath(QStringLiteral("llm-proxy.db")).toStdString())
    {
        Database database({path});
        if (database.open())
            qFatal("the database cannot be made");
        connection = std::move(*SqlConnection::open(path, SqlConnection::Use::Write));
    }
    bool write(UsageRollup &rollup, bool commit = true)
    {
        const bool good = connection->begin() && rollup.write(*connection) && (commit ? connection->commit() : true);
        if (!commit)
            connection->rollback();
        rollup.settle(commit);
        return good;
    }
    std::vector<UsageGroup> groups(UsageQuery query)
    {
        if (query.toMs == 0) {
            query.toMs = Clock::wallMs() / minuteMs * minuteMs + minuteMs;
            query.fromMs = query.toMs - dayMs;
        }
        auto found = usageGroups(*connection, query);
        return found ? *found : std::vector<UsageGroup>();
    }
    int64_t requests(const UsageQuery &query = {})
    {
        int64_t sum = 0;
        for (const UsageGroup &group : groups(query))
            sum += group.counts.requests;
        return sum;
    }

    QTemporaryDir dir;
    std::string path;
    std::unique_ptr<SqlConnection> connection;
};

// What an engine's end without goodbye leaves: the rows are in the table, no count is.
// As the engine joins them: what the log has written is counted with its seq.
AuditConfig counting(AuditConfig config, Database &database)
{
    config.eventOf = eventOf;
    config.seen = [&database](const AuditEvent &event) {
        if (event.outcome)
            database.count(*event.outcome, event.seq);
    };
    return config;
}

void tell(AuditLog &log)
{
    std::vector<AuditLog::Entry> entries;
    entries.push_back({{}, nullptr, false, std::make_shared<const RequestOutcome>(request("p1", "t1", "m1", 5))});
    log.recordAll(std::move(entries));
}

void runLog(const Store &store, const AuditConfig &config, int events)
{
    Database database({store.path});
    QVERIFY(!database.open().has_value());
    AuditLog log(counting(config, database));
    QVERIFY(!log.start(&database).has_value());
    for (int i = 0; i < events; ++i)
        tell(log);
    log.stop();
}

} // namespace

class TstUsageRollup : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void partsAreSummedOverMinutesAndHours()
    {
        Store store;
        UsageRollup rollup;
        QVERIFY(!rollup.load(*store.connection).has_value());
        for (const bool estimated : {false, true}) {
            RequestOutcome outcome = request("p1", "t1", "m1", 5);
            for (size_t part = 0; part < outcome.usage.parts.size(); ++part)
                outcome.usage.parts[part] = part == 3 ? -1 : static_cast<int64_t>(part) + 10;
            outcome.usage.estimated = estimated;
            rollup.add(outcome, 0);
            QVERIFY(store.write(rollup)); // the second is added to the first's row
        }
        for (const int64_t unitMs : {minuteMs, hourMs}) {
            UsageQuery query;
            query.by = UsageBy::Time;
            query.stepMs = unitMs;
            query.fromMs = Clock::wallMs() / hourMs * hourMs;
            query.toMs = query.fromMs + hourMs;
            const auto groups = store.groups(query);
            QCOMPARE(groups.size(), size_t{1});
            for (size_t part = 0; part < groups.front().counts.parts.size(); ++part)
                QCOMPARE(groups.front().counts.parts[part], part == 3 ? int64_t{0} : 2 * (static_cast<int64_t>(part) + 10));
            QCOMPARE(groups.front().counts.estimated, int64_t{1});
        }
    }
    void theFirstWholeSeqIsNotedOnce()
    {
        Store store;
        {
            UsageRollup rollup;
            QVERIFY(!rollup.load(*store.connection).has_value());
            QCOMPARE(rollup.wholeSince(), int64_t{0});
            QVERIFY(rollup.noteWholeSince(*store.connection, 42));
        }
        UsageRollup again;
        QVERIFY(!again.load(*store.connection).has_value());
        QCOMPARE(again.wholeSince(), int64_t{42});
        QVERIFY(again.noteWholeSince(*store.connection, 77));
        QCOMPARE(again.wholeSince(), int64_t{42});
    }
    void durationsByPowersOfTwo()
    {
        UsageCounts counts;
        QCOMPARE(counts.meanMs(), int64_t{-1});
        QCOMPARE(counts.percentileMs(0.5), int64_t{-1});
        for (const int64_t ms : {0, 1, 2, 3, 4, 1000})
            counts.addDuration(ms);
        QCOMPARE(counts.latency[0], int64_t{1});
        QCOMPARE(counts.latency[1], int64_t{1});
        QCOMPARE(counts.latency[2], int64_t{2});
        QCOMPARE(counts.latency[3], int64_t{1});
        QCOMPARE(counts.latency[10], int64_t{1});
        QCOMPARE(counts.meanMs(), int64_t{168});
        QCOMPARE(counts.percentileMs(0.5), int64_t{3});
        counts.addDuration(int64_t{1} << 40);
        QCOMPARE(counts.latency[UsageCounts::buckets - 1], int64_t{1});
    }

    // Within a factor of two of what they are, for any spread.
    void percentilesAreNear()
    {
        UsageCounts counts;
        for (int64_t ms = 1; ms <= 1000; ++ms)
            counts.addDuration(ms);
        for (const auto &[part, exact] : {std::pair(0.5, 500.0), std::pair(0.95, 950.0), std::pair(0.01, 10.0)}) {
            const auto estimate = static_cast<double>(counts.percentileMs(part));
            QVERIFY2(estimate >= exact / 2 && estimate <= exact * 2, qPrintable(QString::number(estimate)));
        }
        UsageCounts twice = counts;
        twice.add(counts);
        QCOMPARE(twice.percentileMs(0.5), counts.percentileMs(0.5));
        QCOMPARE(twice.forwarded(), int64_t{2000});
    }

    void sumsByEach()
    {
        Store store;
        UsageRollup rollup;
        for (const RequestOutcome &outcome : {request("p1", "t1", "m1", 10), request("p1", "t1", "m2", 20), request("p1", "t2", "m1", 30, OutcomeResult::Error),
                                              request("p2", "t3", "m1", 0, OutcomeResult::Denied), request("", "", "", 0, OutcomeResult::Failure)})
            rollup.add(outcome, 0);
        QVERIFY(rollup.isDue());
        QVERIFY(store.write(rollup));
        QVERIFY(!rollup.isDue());
        const auto shown = [&](UsageBy by, const char *project = "", const char *token = "", const char *model = "") {
            UsageQuery query;
            query.by = by;
            query.stepMs = dayMs;
            query.projectId = project;
            query.tokenUuid = token;
            query.model = model;
            QStringList texts;
            for (const UsageGroup &group : store.groups(query))
                texts << QString::fromStdString(group.key) + QLatin1Char('=') + QString::number(group.counts.requests);
            return texts.join(QLatin1Char(' '));
        };
        QCOMPARE(shown(UsageBy::Project), QStringLiteral("=1 p1=3 p2=1"));
        QCOMPARE(shown(UsageBy::Token), QStringLiteral("=1 t1=2 t2=1 t3=1"));
        QCOMPARE(shown(UsageBy::Model), QStringLiteral("=1 (refused)=1 m1=2 m2=1"));
        QCOMPARE(shown(UsageBy::Provider), QStringLiteral("=1 openai=4"));
        QCOMPARE(shown(UsageBy::Time), QStringLiteral("=5"));
        QCOMPARE(shown(UsageBy::Token, "p1"), QStringLiteral("t1=2 t2=1"));
        QCOMPARE(shown(UsageBy::Model, "", "t1"), QStringLiteral("m1=1 m2=1"));
        QCOMPARE(shown(UsageBy::Project, "", "", "m2"), QStringLiteral("p1=1"));
        const UsageCounts p1 = store.groups({.projectId = "p1"}).front().counts;
        QCOMPARE(p1.errors, int64_t{1});
        QCOMPARE(p1.denied, int64_t{0});
        QCOMPARE(p1.promptTokens, int64_t{9});
        QCOMPARE(p1.completionTokens, int64_t{12});
        QCOMPARE(p1.meanMs(), int64_t{20});
        QCOMPARE(store.groups({.projectId = "p2"}).front().counts.denied, int64_t{1});
        QCOMPARE(store.groups({.projectId = "p2"}).front().counts.meanMs(), int64_t{-1}); // nothing was forwarded
        const UsageNow now = rollup.now();
        QCOMPARE(now.requests, int64_t{5});
        QCOMPARE(now.errors, int64_t{1});
        QCOMPARE(now.denied, int64_t{2});
    }

    // Keys are kept for 400 days: what callers choose without being served makes none.
    void whatIsRefusedMakesNoKeys()
    {
        Store store;
        UsageRollup rollup;
        for (int i = 0; i < 100; ++i) {
            rollup.add(request("p1", "t1", ("model-" + std::to_string(i)).c_str(), 0, OutcomeResult::Denied), 0);
            RequestOutcome stranger = request("", "", ("model-" + std::to_string(i)).c_str(), 0, OutcomeResult::Failure);
            stranger.provider = "p" + std::to_string(i);
            rollup.add(stranger, 0);
        }
        QVERIFY(store.write(rollup));
        QCOMPARE(store.requests(), int64_t{200});
        QSqlQuery keys = store.connection->query();
        QVERIFY(keys.exec(QStringLiteral("SELECT group_concat(token_uuid || '/' || model, ' ') FROM (SELECT * FROM usage_keys ORDER BY token_uuid)")) && keys.next());
        QCOMPARE(keys.value(0).toString(), QStringLiteral("/ t1/(refused)"));
    }

    // Each of them was counted when it was refused.
    void anEventThatCountsRefusalsIsNoRequest()
    {
        Store store;
        UsageRollup rollup;
        RequestOutcome stored = request("p1", "t1", "", 0, OutcomeResult::Denied);
        stored.isSummary = true;
        stored.count = 400;
        rollup.add(stored, 7);
        QVERIFY(store.write(rollup));
        QCOMPARE(store.requests(), int64_t{0});
        QCOMPARE(rollup.lastSeq(), int64_t{7});
    }

    // The same however the time lies to the hours, and whichever table it is read from.
    void timesAreCutExactly()
    {
        Store store;
        UsageRollup rollup;
        const int64_t first = Clock::wallMs() / hourMs * hourMs - 5 * hourMs;
        for (int64_t minute = 0; minute < 240; ++minute) {
            RequestOutcome outcome = request("p1", "t1", "m1", 5);
            outcome.endedMs = first + minute * minuteMs + 30'000;
            rollup.add(outcome, 0);
        }
        QVERIFY(store.write(rollup));
        for (const auto &[from, to] : {std::pair(0, 240), std::pair(10, 230), std::pair(10, 50), std::pair(50, 70), std::pair(60, 180), std::pair(0, 90), std::pair(59, 60)}) {
            UsageQuery query;
            query.fromMs = first + from * minuteMs;
            query.toMs = first + to * minuteMs;
            QCOMPARE(store.requests(query), int64_t{to - from});
            query.by = UsageBy::Time;
            QCOMPARE(store.groups(query).size(), static_cast<size_t>(to - from));
        }
        UsageQuery hours;
        hours.by = UsageBy::Time;
        hours.stepMs = hourMs;
        hours.fromMs = first;
        hours.toMs = first + 4 * hourMs;
        QCOMPARE(store.groups(hours).size(), size_t{4});
        QCOMPARE(store.groups(hours).back().timeMs, first + 3 * hourMs);
        QCOMPARE(store.groups(hours).back().counts.requests, int64_t{60});
    }

    void aFailedWriteCountsLater()
    {
        Store store;
        UsageRollup rollup;
        rollup.add(request("p1", "t1", "m1", 5), 1);
        QVERIFY(store.write(rollup, false));
        QCOMPARE(store.requests(), int64_t{0});
        rollup.add(request("p1", "t1", "m1", 5), 2);
        QVERIFY(store.write(rollup));
        QVERIFY(store.write(rollup)); // nothing new
        QCOMPARE(store.requests(), int64_t{2});
    }

    void aSeqCountsOnce()
    {
        Store store;
        UsageRollup rollup;
        for (const int64_t seq : {1, 2, 2, 1, 3})
            rollup.add(request("p1", "t1", "m1", 5), seq);
        QVERIFY(store.write(rollup));
        UsageRollup next;
        QVERIFY(!next.load(*store.connection).has_value());
        for (const int64_t seq : {2, 3, 4})
            next.add(request("p1", "t1", "m1", 5), seq);
        QVERIFY(store.write(next));
        QCOMPARE(store.requests(), int64_t{4});
        QCOMPARE(next.now().requests, int64_t{4});
        QVERIFY(next.lowerTo(*store.connection, 1)); // the log begins anew
        next.add(request("p1", "t1", "m1", 5), 2);
        QCOMPARE(next.now().requests, int64_t{5});
    }

    void rowsThatWereNotCountedAreAtTheStart()
    {
        Store store;
        AuditConfig config;
        config.file = store.dir.filePath(QStringLiteral("audit.log")).toStdString();
        runLog(store, config, 7);
        runLog(store, config, 3);
        UsageRollup rollup;
        QVERIFY(!rollup.load(*store.connection).has_value());
        QCOMPARE(rollup.now().requests, int64_t{10});
        QVERIFY(store.write(rollup));
        QVERIFY(store.connection->run(QStringLiteral("DELETE FROM audit_events"))); // takes nothing away, and its replay adds nothing
        Database database({store.path});
        QVERIFY(!database.open().has_value());
        AuditLog log(config);
        QVERIFY(!log.start(&database).has_value());
        log.stop();
        QCOMPARE(database.usageNow().requests, int64_t{10});
    }

    void withoutRows()
    {
        Store store;
        AuditConfig config;
        config.file = store.dir.filePath(QStringLiteral("audit.log")).toStdString();
        config.storeInDb = false;
        Database database({store.path});
        QVERIFY(!database.open().has_value());
        AuditLog fileOnly(counting(config, database));
        QVERIFY(!fileOnly.start(&database).has_value());
        tell(fileOnly);
        fileOnly.stop();
        QCOMPARE(database.usageNow().requests, int64_t{1});
        database.count(request("p1", "t1", "m1", 5), 0); // without auditing there is no seq
        QCOMPARE(database.usageNow().requests, int64_t{2});
    }

    void anOlderDatabaseIsCounted()
    {
        Store store;
        const std::string path = store.dir.filePath(QStringLiteral("old.db")).toStdString();
        const QString folder = store.dir.filePath(QStringLiteral("sql"));
        QVERIFY(QDir().mkpath(folder));
        const QDir all(QStringLiteral(":/sql"));
        for (const QString &name : all.entryList({QStringLiteral("*.sql")})) {
            if (name < QLatin1String("0007"))
                QVERIFY(QFile::copy(all.filePath(name), folder + QLatin1Char('/') + name));
        }
        {
            auto old = std::move(*SqlConnection::open(path, SqlConnection::Use::Write));
            QVERIFY(!migrate(*old, path, folder).has_value());
            AuditInsert insert(*old);
            const std::pair<int64_t, OutcomeResult> rows[] = {{2 * minuteMs, OutcomeResult::Success}, {2 * minuteMs, OutcomeResult::Error}, {3 * dayMs, OutcomeResult::Success},
                                                              {500 * dayMs, OutcomeResult::Success}, {0, OutcomeResult::Denied}};
            int64_t seq = 0;
            for (const auto &[age, result] : rows) {
                AuditEvent event = eventOf(request("p1", "t1", "m1", 100, result));
                event.seq = ++seq;
                event.timestampMs -= age;
                QVERIFY(insert.insert(event));
            }
            QVERIFY(insert.finish());
        }
        Database database({path});
        QVERIFY(!database.open().has_value());
        QCOMPARE(database.usageNow().requests, int64_t{3});
        QCOMPARE(database.usageNow().errors, int64_t{1});
        QCOMPARE(database.usageNow().denied, int64_t{1});
        UsageQuery query;
        query.toMs = Clock::wallMs() / hourMs * hourMs + hourMs;
        query.fromMs = query.toMs - 10 * dayMs;
        const auto groups = database.usage(query);
        QVERIFY(groups && groups->size() == 1);
        QCOMPARE(groups->front().key, std::string("p1"));
        QCOMPARE(groups->front().counts.requests, int64_t{4});
        QCOMPARE(groups->front().counts.latency[7], int64_t{3}); // 64 to 127 ms
        QCOMPARE(groups->front().counts.durationMs, int64_t{300});
        database.count(request("p1", "t1", "m1", 5), 5);
        QCOMPARE(database.usageNow().requests, int64_t{3}); // counted by the migration
    }

    void oldCountsGo()
    {
        Store store;
        UsageRollup rollup;
        const int64_t nowMs = Clock::wallMs();
        for (const int64_t age : {int64_t{0}, 47 * hourMs, 50 * hourMs, 399 * dayMs, 402 * dayMs}) {
            RequestOutcome outcome = request("p1", age > 400 * dayMs ? "t2" : "t1", "m1", 5);
            outcome.endedMs = nowMs - age;
            rollup.add(outcome, 0);
        }
        const auto count = [&](const char *statement) {
            QSqlQuery query = store.connection->query();
            return query.exec(QString::fromLatin1(statement)) && query.next() ? query.value(0).toInt() : -1;
        };
        rollup.keepOld(true); // the clock may be years ahead
        QVERIFY(store.write(rollup));
        QCOMPARE(count("SELECT count(*) FROM usage_minutely"), 5);
        QCOMPARE(count("SELECT count(*) FROM usage_keys"), 2);
        rollup.keepOld(false);
        RequestOutcome another = request("p1", "t1", "m1", 5);
        another.endedMs = nowMs;
        rollup.add(another, 0);
        QVERIFY(store.write(rollup));
        QCOMPARE(count("SELECT count(*) FROM usage_minutely"), 2);
        QCOMPARE(count("SELECT count(*) FROM usage_totals"), 2);
        QCOMPARE(count("SELECT count(*) FROM usage_hourly"), 4);
        QCOMPARE(count("SELECT count(*) FROM usage_keys"), 1);
    }

    // A database that is written rarely enough that many keys cost little, and often enough that few are fresh.
    void manyKeysWait()
    {
        UsageRollup rollup;
        for (int i = 0; i < 500; ++i)
            rollup.add(request("p1", std::to_string(i).c_str(), "m1", 5), 0);
        for (int i = 0; i < 9; ++i)
            QVERIFY(!rollup.isDue());
        QVERIFY(rollup.isDue());
    }
};

REGISTER_TEST(TstUsageRollup)
#include "tst_usage_rollup.moc"
