// SPDX-License-Identifier: GPL-3.0-only
// What is promised about stored data: durable when answered, one transaction, refused when newer, whole
// after a restart, and counters that follow from the audit rows.
#include "database_rig.h"
#include "engine/bound_keys.h"
#include "secrets/sealed_text.h"
#include "storage/migrations.h"
#include "storage/usage_counts.h"
#include "test_registry.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <future>
#include <sys/stat.h>

using namespace llmproxy;
using namespace llmproxy::test;

class TstDatabase : public QObject
{
    Q_OBJECT

private:
    // Runs one statement on the file, as somebody with the sqlite3 shell would.
    static QVariant raw(const std::string &path, const QString &statement)
    {
        QVariant result;
        {
            QSqlDatabase database = QSqlDatabase::addDatabase(QStringLiteral("QSQLITE"), QStringLiteral("raw"));
            database.setDatabaseName(QString::fromStdString(path));
            if (database.open()) {
                QSqlQuery query(database);
                if (query.exec(statement) && query.next())
                    result = query.value(0);
            }
        }
        QSqlDatabase::removeDatabase(QStringLiteral("raw"));
        return result;
    }

    static QString unboundKeyCheck()
    {
        return QString::fromStdString(sealText(Secret(std::string(32, 'k')), "master", "llm-proxy master key", sealingContext("master", "key_ring", {}, "key_check")));
    }
    static void setBackToSchema8(const std::string &path)
    {
        std::vector<std::string_view> columns(usagePartNames.begin(), usagePartNames.end());
        columns.push_back("estimated");
        for (const std::string_view column : columns) {
            for (const char *table : {"usage_minutely", "usage_hourly"})
                raw(path, QString::fromStdString("ALTER TABLE " + std::string(table) + " DROP COLUMN " + std::string(column)));
        }
        for (const char *statement : {"ALTER TABLE project_providers DROP COLUMN sealed_url", "ALTER TABLE project_providers DROP COLUMN version_segment", "DELETE FROM meta WHERE name = 'strangers_listed_seq'", "PRAGMA user_version = 8"})
            raw(path, QString::fromLatin1(statement));
    }
    // With a project whose key is stored for https://old.example/v1.
    static void makeOfSchema8(const QTemporaryDir &dir)
    {
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        Project old = project(rig, "p1");
        old.providers.front().baseUrl = QStringLiteral("https://old.example/v1");
        QVERIFY(!rig.change({PutProject{old}}).has_value());
        rig.stop();
        raw(rig.path, QStringLiteral("UPDATE key_ring SET key_check = '%1'").arg(unboundKeyCheck()));
        setBackToSchema8(rig.path);
    }
    // The first project's provider after the statement and a start.
    static ProviderEntry restarted(const QTemporaryDir &dir, const QString &statement)
    {
        raw(Rig(dir).path, statement);
        Rig rig(dir);
        return rig.start() ? ProviderEntry() : rig.snapshots.current()->project("p1")->providers.front();
    }

private Q_SLOTS:
    void changesAreThereAfterARestart()
    {
        QTemporaryDir dir;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}}).has_value());
            QVERIFY(!rig.change({PutToken{token(rig, tokenId, "p1")}}).has_value());
            QVERIFY(rig.snapshots.current()->project("p1"));
        }
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        const SnapshotPtr now = rig.snapshots.current();
        QVERIFY(now->project("p1")->providers.front().key->equals("sk-live-0123456789"));
        const TokenPtr found = now->tokenByHash(hashAccessToken(rig.keys->tokenHashKey(), tokenId));
        QVERIFY(found);
        QCOMPARE(found->terms.maxRequests, int64_t{100});
        QCOMPARE(rig.database.rowsTo(std::make_unique<std::string>().get()), int64_t{2});
        struct stat info{};
        QCOMPARE(stat(rig.path.c_str(), &info), 0);
        QCOMPARE(info.st_mode & 0777, mode_t{0600});
        QCOMPARE(raw(rig.path, QStringLiteral("PRAGMA journal_mode")).toString(), QStringLiteral("wal"));
    }

    void countersFollowFromTheRows()
    {
        QTemporaryDir dir;
        QTemporaryDir copy;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}}).has_value());
            for (int i = 0; i < 5; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)));
            QVERIFY(rig.record(accessEvent(tokenId, 429))); // does not count (ruling 23)
            QVERIFY(rig.record(accessEvent(tokenId, 503)));
            rig.settle();
            killedHere(dir, copy);
        }
        Rig rig(copy);
        QVERIFY(!rig.start().has_value());
        const auto state = rig.snapshots.current()->tokenById(tokenId)->state;
        QCOMPARE(state->requests.load(), int64_t{5});
        QCOMPARE(state->promptTokens.load(), int64_t{21});
        QCOMPARE(state->completionTokens.load(), int64_t{28});
    }

    void aRowOpensOnlyInItsPlace()
    {
        QTemporaryDir dir;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            Project moved = project(rig, "p1");
            moved.id = QStringLiteral("p2"); // the ciphertext of p1 under another id
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutProject{moved}}).has_value());
        }
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QVERIFY(rig.snapshots.current()->project("p1")->providers.front().keyState == KeyState::Ready);
        QVERIFY(rig.snapshots.current()->project("p2")->providers.front().keyState == KeyState::Unusable);
        QVERIFY(!rig.snapshots.current()->project("p2")->providers.front().key);
    }

    // A database of the first schema, with an event: its rows are found by what the second one indexes.
    void olderSchemaIsBroughtUp()
    {
        QTemporaryDir dir;
        const std::string path = Rig(dir).path;
        QFile first(test::sourceFile(QLatin1String("resources/sql/0001_initial.sql")));
        QVERIFY(first.open(QIODevice::ReadOnly));
        for (const QString &statement : splitStatements(QString::fromUtf8(first.readAll())))
            raw(path, statement);
        raw(path, QStringLiteral("INSERT INTO audit_events VALUES (1, '2026-01-02 03:04:05.678', 'token.access', 'client', 'p', "
                                 "'11112222-3333-4444-5555-666677778888', '10.0.0.1', 'success', "
                                 "'{\"token_id\":\"tok-1234****cdef\",\"token_uuid\":\"u\"}', 'u', '0', '1')"));
        // Which UUID a masked form belongs to is known from the token, or when it is gone from what was done with it.
        raw(path, QStringLiteral("INSERT INTO audit_events VALUES (2, '2026-01-02 03:04:06.000', 'token.delete', 'cli', 'p', NULL, NULL, 'success', "
                                 "'{\"token_id\":\"tok-1234****cdef\",\"token_uuid\":\"u\"}', 'u', '1', '2')"));
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QVERIFY(QFile::exists(QString::fromStdString(path + ".backup-v1")));
        for (const auto &[request, token] : {std::pair{"11112222-3333-4444-5555-666677778888", ""}, std::pair{"", "tok-1234****cdef"}, std::pair{"", "u"}}) {
            AuditQuery query;
            query.limit = 10;
            query.requestId = request;
            query.tokenId = token;
            const auto found = rig.database.auditEvents(query);
            QVERIFY(found);
            QCOMPARE(found->size(), size_t{*request ? 1U : 2U});
            QCOMPARE(found->back().text("token_id"), std::string_view("tok-1234****cdef"));
            QCOMPARE(found->back().seq, int64_t{1});
        }
        AuditQuery other;
        other.limit = 10;
        other.requestId = "11112222-3333-4000-5555-000000000000"; // the same characters in front
        QVERIFY(rig.database.auditEvents(other)->empty());
    }

    // What was stored before there were bindings is bound by the update itself, once, to where it went until then.
    void keysOfAnOlderSchemaAreBoundOnce()
    {
        QTemporaryDir dir;
        makeOfSchema8(dir);
        {
            Rig wrong(dir);
            wrong.masterKeyByte = 'x';
            const Outcome failure = wrong.start();
            QVERIFY(failure && failure->code == "encryption_key");
            QCOMPARE(raw(wrong.path, QStringLiteral("PRAGMA user_version")).toInt(), 8);
        }
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            const ProviderEntry bound = rig.snapshots.current()->project("p1")->providers.front();
            QVERIFY(bound.key && bound.keyState == KeyState::Ready);
            QCOMPARE(bound.keyUrl, std::string("https://old.example/v1"));
        }
        const ProviderEntry edited = restarted(dir, QStringLiteral("UPDATE project_providers SET base_url = 'https://thief.example'"));
        QCOMPARE(edited.keyUrl, std::string("https://old.example/v1"));
        const ProviderEntry unbound = restarted(dir, QStringLiteral("UPDATE project_providers SET sealed_url = ''"));
        QVERIFY(!unbound.key && unbound.keyState == KeyState::Unusable);
    }

    // An old key check, from a copy of before the update, does not have edited base URLs bound at a later start.
    void anOldKeyCheckBindsNothing()
    {
        QTemporaryDir dir;
        makeOfSchema8(dir);
        QVERIFY(!Rig(dir).start().has_value());
        restarted(dir, QStringLiteral("UPDATE key_ring SET key_check = '%1'").arg(unboundKeyCheck()));
        const ProviderEntry replayed = restarted(dir, QStringLiteral("UPDATE project_providers SET sealed_url = '', base_url = 'https://thief.example'"));
        QVERIFY(!replayed.key && replayed.keyState == KeyState::Unusable);
    }

    // Nor does an old schema number on a database whose keys are bound.
    void aSchemaThatWasSetBackBindsNothing()
    {
        QTemporaryDir dir;
        makeOfSchema8(dir);
        QVERIFY(!Rig(dir).start().has_value());
        setBackToSchema8(Rig(dir).path);
        const ProviderEntry replayed = restarted(dir, QStringLiteral("UPDATE project_providers SET base_url = 'https://thief.example'"));
        QVERIFY(!replayed.key && replayed.keyState == KeyState::Unusable);
        QVERIFY(Rig(dir).database.boundKeys().size() <= 1); // of the first update alone
    }

    void whatWasBoundIsTold()
    {
        QTemporaryDir dir;
        makeOfSchema8(dir);
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        const std::vector<BoundKey> bound = rig.database.boundKeys();
        QCOMPARE(bound.size(), size_t{1});
        for (const bool isOlder : {false, true}) {
            Decision decision;
            tellBoundKeys(decision, *rig.snapshots.current(), bound, isOlder, [](const std::string &provider, const std::string &url) { return provider + " at " + url; });
            QCOMPARE(decision.events.size(), size_t{1});
            const AuditEvent &event = decision.events.front();
            QCOMPARE(event.action.name(), std::string_view("project.update"));
            QCOMPARE(event.projectId, std::string("p1"));
            QCOMPARE(event.text("provider"), std::string_view("openai"));
            QCOMPARE(event.text("origin"), std::string_view("openai at https://old.example/v1"));
            QCOMPARE(std::string(event.result), std::string(isOlder ? "failure" : "success"));
            QVERIFY(!rig.change(decision.changes, event).has_value());
            QCOMPARE(rig.snapshots.current()->project("p1")->providers.front().keyState, isOlder ? KeyState::Unusable : KeyState::Ready);
        }
        rig.database.forgetBoundKeys();
        QVERIFY(rig.database.boundKeys().empty());
    }

    void newerSchemaIsRefused()
    {
        QTemporaryDir dir;
        std::string path;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            path = rig.path;
        }
        raw(path, QStringLiteral("PRAGMA user_version = 9999"));
        Rig rig(dir);
        const Outcome failure = rig.start();
        QVERIFY(failure.has_value());
        QVERIFY(failure->message.find("9999") != std::string::npos);
    }

    void aRefusedChangeLeavesNothing()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        std::promise<Outcome> done;
        rig.database.submit([](const Snapshot &) -> Result<Decision> { return Error{ErrorKind::Conflict, "conflict", "no", ""}; },
                            [&](const Outcome &outcome) { done.set_value(outcome); });
        QVERIFY(done.get_future().get().has_value());
        QVERIFY(rig.change({PutToken{token(rig, tokenId, "no-such-project")}}).has_value());
        QVERIFY(!rig.snapshots.current()->tokenById(tokenId));
        QCOMPARE(rig.audit->lastSeq(), int64_t{0});
    }

    void manyChangesAtOnceAllCommit()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        constexpr int count = 200;
        std::vector<std::promise<Outcome>> done(count);
        for (int i = 0; i < count; ++i) {
            rig.database.submit(
                [&rig, i](const Snapshot &) -> Result<Decision> {
                    return Decision{{PutProject{project(rig, ("p" + std::to_string(i)).c_str())}}, {AuditEvent(Action::ProjectCreate, "cli", "success")}};
                },
                [&done, i](const Outcome &outcome) { done[static_cast<size_t>(i)].set_value(outcome); });
        }
        for (auto &one : done)
            QVERIFY(!one.get_future().get().has_value());
        QCOMPARE(rig.snapshots.current()->projects().size(), size_t{count});
        QCOMPARE(rig.audit->lastSeq(), int64_t{count});
    }

    void lineCanBeMadeFromItsRow()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        AuditEvent event = accessEvent(tokenId);
        event.projectId = "p1";
        event.clientIp = "10.0.0.9";
        event.requestId = "req";
        event.detail("endpoint", std::string("/v1/\xc3\xa4\"\\\x01"));
        QVERIFY(rig.record(event));
        rig.settle();
        QFile file(QString::fromStdString(rig.config.file));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const std::string line = file.readLine().trimmed().toStdString();
        const auto rows = rig.database.auditEvents({});
        QVERIFY(rows.ok() && !rows->empty());
        QCOMPARE(auditLine(rows->back()), line);
        QVERIFY(raw(rig.path, QStringLiteral("SELECT timestamp FROM audit_events")).toString().size() == 23);
    }

    void filters()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QVERIFY(rig.record(accessEvent(tokenId)));
        QVERIFY(rig.record(AuditEvent(Action::ProjectList, "management", "success")));
        QVERIFY(rig.record(AuditEvent(Action::TokenCreate, "cli", "failure")));
        rig.settle();
        const auto count = [&](AuditQuery query) { return rig.database.auditEvents(query)->size(); };
        QCOMPARE(count({}), size_t{3});
        AuditQuery query;
        query.action = "token.*";
        QCOMPARE(count(query), size_t{2});
        query.action = "token.create";
        QCOMPARE(count(query), size_t{1});
        query = {};
        query.actor = "management";
        QCOMPARE(count(query), size_t{1});
        query = {};
        query.tokenId = tokenId;
        QCOMPARE(count(query), size_t{1});
        query = {};
        query.fromSeq = 3;
        query.limit = 1;
        QCOMPARE(rig.database.auditEvents(query)->front().seq, int64_t{2});
    }

    void guidesStatementsWork()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        AuditEvent old = accessEvent(tokenId);
        old.timestampMs = Clock::wallMs() - int64_t{91} * 86'400'000;
        QVERIFY(rig.record(old));
        QVERIFY(rig.record(accessEvent(tokenId)));
        rig.settle();
        const QString count = QStringLiteral("SELECT count(*) FROM audit_events WHERE timestamp < datetime('now','-90 days')");
        QCOMPARE(raw(rig.path, count).toInt(), 1);
        const QString indexes = QStringLiteral("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name IN "
                                               "('idx_audit_timestamp', 'idx_audit_action', 'idx_audit_project')");
        QCOMPARE(raw(rig.path, indexes).toInt(), 3);
    }
};

REGISTER_TEST(TstDatabase)
#include "tst_database.moc"
