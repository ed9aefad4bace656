// SPDX-License-Identifier: GPL-3.0-only
// A table that another process locks, or that a kill left behind: the log's file is the queue, and everything comes in, in order and
// once.
#include "base/clock.h"
#include "database_rig.h"
#include "storage/row_queue.h"
#include "storage/usage_rollup.h"
#include "test_registry.h"

#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <sqlite3.h>

using namespace llmproxy;
using namespace llmproxy::test;

namespace {

// A sanitizer's run is ten times as slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int scale = 4;
#else
constexpr int scale = 1;
#endif

// A database browser in the middle of an edit.
class OtherProgram
{
public:
    explicit OtherProgram(const std::string &path)
    {
        sqlite3_open(path.c_str(), &m_database);
        sqlite3_busy_timeout(m_database, 10'000);
        m_holds = sqlite3_exec(m_database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    ~OtherProgram() { sqlite3_close(m_database); }
    bool holds() const { return m_holds; }

private:
    sqlite3 *m_database = nullptr;
    bool m_holds = false;
};

void recordMany(Rig &rig, int count)
{
    std::vector<AuditLog::Entry> entries;
    for (int i = 0; i < count; ++i)
        entries.push_back({accessEvent(tokenId), nullptr});
    rig.audit->recordAll(std::move(entries));
}

bool isWhole(Rig &rig)
{
    std::string hash;
    return rig.database.rowsTo(&hash) == rig.audit->lastSeq() && !rig.database.tableState().isBehind;
}

int64_t number(const std::string &path, const char *query)
{
    sqlite3 *database = nullptr;
    sqlite3_stmt *statement = nullptr;
    sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_prepare_v2(database, query, -1, &statement, nullptr);
    const int64_t found = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return found;
}

} // namespace

class TstTableBehind : public QObject
{
    Q_OBJECT

private:
    static void assertWhole(Rig &rig)
    {
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(rig), 60'000);
        QCOMPARE(number(rig.path, "SELECT count(*) FROM audit_events"), rig.audit->lastSeq());
        QCOMPARE(number(rig.path, "SELECT max(seq) FROM audit_events"), rig.audit->lastSeq());
        QCOMPARE(number(rig.path, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'rows_to'"), rig.audit->lastSeq());
    }

private Q_SLOTS:
    // More than memory is to hold, while the table takes nothing.
    void aLockedDatabaseLosesNothing()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}}).has_value());
        constexpr int batches = 20, each = 2'000 / scale;
        {
            const OtherProgram other(rig.path);
            QVERIFY(other.holds());
            for (int i = 0; i < batches; ++i)
                recordMany(rig, each);
            QVERIFY(rig.record(accessEvent(tokenId))); // is on file, and not held up
            QTRY_VERIFY_WITH_TIMEOUT(rig.database.tableState().isBehind, 10'000);
            QVERIFY(rig.audit->healthy());
        }
        assertWhole(rig);
        QCOMPARE(rig.audit->lastSeq(), int64_t{1 + batches * each + 1});
        QVERIFY(!rig.change({PutProject{project(rig, "p2")}}).has_value());
    }

    // More at once than may wait, from a database that works: nobody waits for ever, and no row is missing.
    void aBurstIsCaughtUp()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        for (int burst = 0; burst < (scale > 1 ? 1 : 3); ++burst) {
            recordMany(rig, static_cast<int>(RowQueue::crowdedRows) - 1);
            recordMany(rig, static_cast<int>(RowQueue::mostRows) + 1);
        }
        QVERIFY(rig.record(accessEvent(tokenId)));
        assertWhole(rig);
        QVERIFY(!rig.change({PutProject{project(rig, "p1")}}).has_value());
    }

    // It ends although the table lags and cannot catch up; the next start does.
    void aStopDoesNotWaitForTheLock()
    {
        QTemporaryDir dir;
        int64_t last = 0;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            const OtherProgram other(rig.path);
            recordMany(rig, 100);
            QVERIFY(rig.record(accessEvent(tokenId)));
            QTRY_VERIFY_WITH_TIMEOUT(rig.database.tableState().isBehind, 10'000);
            recordMany(rig, 100);
            QVERIFY(rig.record(accessEvent(tokenId)));
            last = rig.audit->lastSeq();
            rig.stop();
        }
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QCOMPARE(rig.audit->lastSeq(), last);
        QVERIFY(rig.record(accessEvent(tokenId)));
        assertWhole(rig);
    }

    void whatGivesRightsIsRefusedAndWhatTakesThemWaits()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}}).has_value());
        auto other = std::make_unique<OtherProgram>(rig.path);
        QVERIFY(other->holds());
        QElapsedTimer took;
        took.start();
        const Outcome refused = rig.change({PutProject{project(rig, "p2")}});
        QVERIFY(refused && refused->message.find("locked by another process") != std::string::npos);
        QVERIFY(took.elapsed() < 5'000);
        QCOMPARE(rig.audit->lastSeq(), int64_t{1}); // no line of what was not done
        std::promise<Outcome> revoked;
        rig.database.submit([&](const Snapshot &) -> Result<Decision> { return Decision{{RemoveToken{QString::fromLatin1(tokenId)}}, {AuditEvent(Action::TokenRevoke, "cli", "success")}}; },
                            [&](const Outcome &outcome) { revoked.set_value(outcome); }, Rights::Take);
        auto ready = revoked.get_future();
        QVERIFY(ready.wait_for(std::chrono::milliseconds(1'500)) == std::future_status::timeout); // longer than one try
        other.reset();
        QVERIFY(!ready.get().has_value());
        QVERIFY(!rig.snapshots.current()->tokenById(tokenId));
        assertWhole(rig);
    }

    // A kill with rows that only the file has: they come in at the next start, and what they count is counted once.
    void aKillLeavesNoHole()
    {
        QTemporaryDir dir, copy;
        constexpr int many = 20'000 / scale;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}}).has_value());
            const OtherProgram other(rig.path);
            QVERIFY(other.holds());
            recordMany(rig, many);
            QVERIFY(rig.record(accessEvent(tokenId)));
            killedHere(dir, copy);
        }
        Rig rig(copy);
        QVERIFY(!rig.start().has_value());
        QCOMPARE(rig.audit->lastSeq(), int64_t{many + 2});
        QVERIFY(rig.audit->recovered());
        QCOMPARE(rig.snapshots.current()->tokenById(tokenId)->state->requests.load(), int64_t{many + 1});
        QVERIFY(rig.record(accessEvent(tokenId)));
        assertWhole(rig);
    }

    void whatOnlyTheFileHasIsCounted()
    {
        QTemporaryDir dir, copy;
        {
            Rig rig(dir, true, false);
            QVERIFY(!rig.start().has_value());
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}}).has_value());
            for (int i = 0; i < 7; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)));
            killedHere(dir, copy);
        }
        for (int start = 0; start < 2; ++start) { // once, however often it starts
            Rig rig(copy, true, false);
            QVERIFY(!rig.start().has_value());
            QCOMPARE(rig.database.usageNow().requests, int64_t{7});
            QCOMPARE(rig.snapshots.current()->tokenById(tokenId)->state->requests.load(), int64_t{7});
        }
    }

    // In another file, with seqs that are lower than what was counted last; at a token without events since the old seq stays for long.
    void aLogThatBeginsAnewIsCounted()
    {
        constexpr const char *idle = "1f8fad5b-d9cb-469f-a165-70867728950e";
        QTemporaryDir dir, copy;
        {
            Rig rig(dir, true, false);
            QVERIFY(!rig.start().has_value());
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}, PutToken{token(rig, idle, "p1")}}).has_value());
            for (int i = 0; i < 5; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)) && rig.record(accessEvent(idle)));
        }
        { // counts them
            Rig rig(dir, true, false);
            QVERIFY(!rig.start().has_value());
            QCOMPARE(rig.snapshots.current()->tokenById(tokenId)->state->requests.load(), int64_t{5});
        }
        QVERIFY(QFile::remove(dir.filePath(QStringLiteral("audit.log"))));
        QVERIFY(execute(dir.filePath(QStringLiteral("llm-proxy.db")).toStdString(), "DELETE FROM audit_files"));
        {
            Rig rig(dir, true, false);
            QVERIFY(!rig.start().has_value());
            for (int i = 0; i < 3; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)));
            QVERIFY(rig.audit->lastSeq() < 10);
            killedHere(dir, copy);
        }
        for (int start = 0; start < 2; ++start) {
            Rig rig(copy, true, false);
            QVERIFY(!rig.start().has_value());
            QCOMPARE(rig.snapshots.current()->tokenById(tokenId)->state->requests.load(), int64_t{8});
            QCOMPARE(rig.snapshots.current()->tokenById(idle)->state->requests.load(), int64_t{5});
            QCOMPARE(rig.database.usageNow().requests, int64_t{13});
        }
    }

    // While it catches up, what gives rights waits for it or is refused, and is never ahead of the rows before it.
    void aChangeIsInTheTableWithAllBeforeIt()
    {
        QTemporaryDir dir, copy;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            const OtherProgram other(rig.path);
            recordMany(rig, 20'000 / scale);
            QVERIFY(rig.record(accessEvent(tokenId)));
            killedHere(dir, copy);
        }
        Rig rig(copy);
        QVERIFY(!rig.start().has_value());
        for (Outcome refused = rig.change({PutProject{project(rig, "p1")}}); refused; refused = rig.change({PutProject{project(rig, "p1")}}))
            QVERIFY(refused->message.find("behind") != std::string::npos);
        QCOMPARE(number(rig.path, "SELECT count(*) FROM audit_events"), rig.audit->lastSeq());
    }

    void linesThatAreGoneAreSaidToBeGone()
    {
        QTemporaryDir dir, copy;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            QVERIFY(rig.record(accessEvent(tokenId)));
            rig.settle();
            const OtherProgram other(rig.path);
            recordMany(rig, 50);
            QVERIFY(rig.record(accessEvent(tokenId)));
            killedHere(dir, copy);
        }
        const QString path = copy.filePath(QStringLiteral("audit.log"));
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadOnly));
        QList<QByteArray> lines = file.readAll().split('\n');
        file.close();
        lines.remove(4, 10); // events 5 to 14
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(lines.join('\n'));
        file.close();
        Rig rig(copy);
        QVERIFY(!rig.start().has_value());
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(rig), 60'000);
        AuditQuery query;
        query.action = "system.recovered";
        const auto found = rig.database.auditEvents(query);
        QVERIFY(found && found->size() == 1);
        QCOMPARE(found->front().text("reason"), std::string_view("rows_lost"));
        QCOMPARE(std::get<int64_t>(*found->front().find("from_seq")), int64_t{5});
        QCOMPARE(std::get<int64_t>(*found->front().find("to_seq")), int64_t{14});
        QCOMPARE(number(rig.path, "SELECT count(*) FROM audit_events"), rig.audit->lastSeq() - 10);
    }

    // Not for an empty one either: its seqs would be given a second time.
    void aTableThatCannotBeReadIsNoStart()
    {
        for (const char *damage : {"ALTER TABLE audit_events RENAME TO elsewhere", "ALTER TABLE meta RENAME TO elsewhere", "ALTER TABLE audit_files RENAME TO elsewhere"}) {
            for (const bool hasFile : {false, true}) {
                QTemporaryDir dir;
                {
                    Rig rig(dir, hasFile);
                    QVERIFY(!rig.start().has_value());
                    QVERIFY(rig.record(accessEvent(tokenId)));
                }
                Rig rig(dir, hasFile);
                QVERIFY(!rig.database.open().has_value());
                QVERIFY(execute(rig.path, damage));
                const Outcome failure = rig.audit->start(&rig.database);
                QVERIFY(failure.has_value());
                QCOMPARE(failure->field, std::string("DATABASE_PATH"));
                QVERIFY(failure->message.find("cannot be read") != std::string::npos);
            }
        }
    }

    void theDoubtAboutTheClockIsStored()
    {
        QTemporaryDir dir;
        for (const int64_t keepsHours : {0, 24, 24}) {
            Rig rig(dir, false);
            QVERIFY(!rig.start().has_value());
            QVERIFY(rig.audit->keepsOldForMs() <= keepsHours * hourMs && rig.audit->keepsOldForMs() >= (keepsHours - 1) * hourMs);
            AuditEvent event = accessEvent(tokenId);
            event.timestampMs = keepsHours == 0 ? Clock::wallMs() - 49 * hourMs : Clock::wallMs();
            QVERIFY(rig.record(event));
        }
        {
            Rig rig(dir, false);
            QVERIFY(!rig.start().has_value());
            rig.audit->removeOldFromNow();
        }
        Rig rig(dir, false);
        QVERIFY(!rig.start().has_value());
        QCOMPARE(rig.audit->keepsOldForMs(), int64_t{0});
    }

    // Of a version that did not note its starts: the rows say which one was the last.
    void anOlderCopyWithoutANotedStartIsRecognised()
    {
        QTemporaryDir dir, copy;
        const auto begin = [](Rig &rig) {
            if (rig.start())
                return false;
            AuditEvent started(Action::SystemStart, "system", "success");
            return !rig.change({}, started);
        };
        {
            Rig rig(dir);
            QVERIFY(begin(rig));
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}, PutToken{token(rig, tokenId, "p1")}}).has_value());
        }
        QVERIFY(QFile::copy(dir.filePath(QStringLiteral("llm-proxy.db")), copy.filePath(QStringLiteral("llm-proxy.db"))));
        {
            Rig rig(dir);
            QVERIFY(begin(rig));
            QVERIFY(!rig.change({RemoveToken{QString::fromLatin1(tokenId)}}, AuditEvent(Action::TokenRevoke, "cli", "success")).has_value());
        }
        QVERIFY(QFile::copy(dir.filePath(QStringLiteral("audit.log")), copy.filePath(QStringLiteral("audit.log"))));
        QVERIFY(execute(copy.filePath(QStringLiteral("llm-proxy.db")).toStdString(), "DELETE FROM meta WHERE name = 'start_seq'"));
        Rig rig(copy);
        QVERIFY(!rig.start().has_value());
        QCOMPARE(rig.audit->unknownChanges().size(), size_t{1});
        QVERIFY(rig.audit->unknownChanges().front().action == Action::TokenRevoke);
    }

    // A seq is not given twice, even where somebody removed the newest rows and there is no file.
    void removedRowsAreNotWrittenOver()
    {
        QTemporaryDir dir;
        {
            Rig rig(dir, false);
            QVERIFY(!rig.start().has_value());
            for (int i = 0; i < 5; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)));
        }
        sqlite3 *database = nullptr;
        sqlite3_open((dir.path().toStdString() + "/llm-proxy.db").c_str(), &database);
        QCOMPARE(sqlite3_exec(database, "DELETE FROM audit_events WHERE seq > 3", nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
        Rig rig(dir, false);
        QVERIFY(!rig.start().has_value());
        QVERIFY(rig.record(accessEvent(tokenId)));
        QCOMPARE(rig.audit->lastSeq(), int64_t{6});
    }
};

REGISTER_TEST(TstTableBehind)
#include "tst_table_behind.moc"
