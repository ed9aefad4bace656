// SPDX-License-Identifier: GPL-3.0-only
// Events that the table needs and the log's files do not give: what stands in a file that cannot be read is waited for, and the file
// is named; what is nowhere is declared once, whenever a kill comes.
#include "audit/rotation.h"
#include "database_rig.h"
#include "storage/audit_catch_up.h"
#include "storage/lost_rows.h"
#include "test_registry.h"


using namespace llmproxy;
using namespace llmproxy::test;

namespace {

constexpr int64_t inTable = 4, inGap = 10, behind = 40;

QList<QByteArray> linesOf(const QString &path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QList<QByteArray> lines = file.readAll().split('\n');
    lines.removeLast();
    return lines;
}

void putLines(const QString &path, const QList<QByteArray> &lines)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(lines.join('\n') + '\n');
}

bool hasCaughtUp(Rig &rig)
{
    std::string hash;
    return rig.database.rowsTo(&hash) == rig.audit->lastSeq() && !rig.database.tableState().isBehind;
}

LostRows undeclared(const std::string &path)
{
    LostRows lost;
    auto connection = SqlConnection::open(path, SqlConnection::Use::Read);
    return connection && readLostRows(**connection, &lost) ? lost : LostRows{{-1, -1}};
}

std::vector<AuditEvent> declared(Rig &rig)
{
    AuditQuery query;
    query.action = "system.recovered";
    const auto found = rig.database.auditEvents(query);
    return found ? *found : std::vector<AuditEvent>();
}

int64_t seqIn(const AuditEvent &event, const char *key)
{
    const auto *const detail = event.find(key);
    return detail ? std::get<int64_t>(*detail) : -1;
}

} // namespace

class TstLogGaps : public QObject
{
    Q_OBJECT

private:
    // A log of which the table has the first events, and the files all.
    static void makeLog(const QTemporaryDir &dir)
    {
        QTemporaryDir run;
        {
            Rig rig(run);
            QVERIFY(!rig.start().has_value());
            for (int64_t i = 0; i < inTable; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)));
            rig.stop();
        }
        QVERIFY(QFile::copy(run.filePath(QStringLiteral("llm-proxy.db")), dir.filePath(QStringLiteral("llm-proxy.db"))));
        {
            Rig rig(run);
            QVERIFY(!rig.start().has_value());
            for (int64_t i = inTable; i < behind; ++i)
                QVERIFY(rig.record(accessEvent(tokenId)));
            rig.stop();
        }
        QVERIFY(QFile::copy(run.filePath(QStringLiteral("audit.log")), dir.filePath(QStringLiteral("audit.log"))));
    }
    // Without the lines behind those that the table has.
    static void removeLines(const QTemporaryDir &dir)
    {
        const QString path = dir.filePath(QStringLiteral("audit.log"));
        QList<QByteArray> lines = linesOf(path);
        lines.remove(inTable, inGap);
        putLines(path, lines);
    }
    static void assertDeclaredOnce(Rig &rig)
    {
        QTRY_VERIFY_WITH_TIMEOUT(declared(rig).size() == 1 && hasCaughtUp(rig), 60'000);
        const AuditEvent event = declared(rig).front();
        QCOMPARE(event.text("reason"), lostRowsReason);
        QCOMPARE(seqIn(event, "from_seq"), inTable + 1);
        QCOMPARE(seqIn(event, "to_seq"), inTable + inGap);
        QVERIFY(undeclared(rig.path).empty());
    }

private Q_SLOTS:
    void aFileThatCannotBeReadIsNamedAndCanBePassedOver()
    {
        QTemporaryDir dir;
        makeLog(dir);
        const QString path = dir.filePath(QStringLiteral("audit.log"));
        const QList<QByteArray> lines = linesOf(path);
        const std::string rotated = path.toStdString() + "-20261130";
        putLines(QString::fromStdString(rotated), lines.first(inTable + inGap));
        QVERIFY(packFile(rotated, 0600, nullptr));
        putLines(path, lines.sliced(inTable + inGap));
        QFile packed(QString::fromStdString(rotated + ".gz"));
        QVERIFY(packed.open(QIODevice::ReadWrite) && packed.resize(60)); // its first line is behind that
        packed.close();
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QTRY_VERIFY_WITH_TIMEOUT(!rig.database.tableState().obstacle.empty(), 10'000);
        const TableState table = rig.database.tableState();
        QVERIFY2(table.obstacle.find(rotated + ".gz") != std::string::npos, table.obstacle.c_str());
        QVERIFY(table.isBehind);
        QVERIFY(!rig.database.isWorking()); // nobody is to wait for a row behind the gap
        QCOMPARE(table.rowsTo, inTable);
        const Outcome refused = rig.change({PutProject{project(rig, "p1")}});
        QVERIFY(refused && refused->message.find(rotated + ".gz") != std::string::npos);
        rig.database.passOverUnreadable();
        assertDeclaredOnce(rig);
        QVERIFY(rig.database.tableState().obstacle.empty() && rig.database.isWorking());
        QVERIFY(!rig.change({PutProject{project(rig, "p1")}}).has_value());
    }

    // What it gives before its damage is taken.
    void aDamagedFileGivesWhatItCan()
    {
        QTemporaryDir dir;
        makeLog(dir);
        const QString path = dir.filePath(QStringLiteral("audit.log"));
        const QList<QByteArray> lines = linesOf(path);
        const std::string rotated = path.toStdString() + ".1";
        putLines(QString::fromStdString(rotated), lines.first(behind - 5));
        QVERIFY(packFile(rotated, 0600, nullptr));
        putLines(path, lines.sliced(behind - 5));
        const QString name = QString::fromStdString(rotated + ".gz");
        QVERIFY(QFile::copy(name, dir.filePath(QStringLiteral("whole"))));
        QFile packed(name);
        QVERIFY(packed.open(QIODevice::ReadWrite) && packed.resize(packed.size() - 100));
        packed.close();
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            QTRY_VERIFY_WITH_TIMEOUT(!rig.database.tableState().obstacle.empty(), 10'000);
            QVERIFY(rig.database.tableState().rowsTo > inTable && rig.database.tableState().rowsTo < behind - 5);
        }
        QVERIFY(QFile::remove(name) && QFile::copy(dir.filePath(QStringLiteral("whole")), name)); // somebody had a copy
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QTRY_VERIFY_WITH_TIMEOUT(hasCaughtUp(rig), 60'000);
        QVERIFY(declared(rig).empty());
    }

    // Stored with the rows that skip it, so that a kill before its event was written does not lose it.
    void aRangeIsDeclaredAfterAKill()
    {
        QTemporaryDir dir, killed;
        makeLog(dir);
        removeLines(dir);
        {
            const std::string path = dir.path().toStdString();
            auto connection = SqlConnection::open(path + "/llm-proxy.db", SqlConnection::Use::Write);
            QVERIFY(connection.ok());
            AuditInsert insert(**connection);
            AuditCatchUp files(path + "/audit.log", nullptr);
            AuditCatchUp::Found found;
            RowsTo rowsTo;
            QVERIFY(readRowsTo(**connection, &rowsTo));
            while (rowsTo.seq < behind)
                QVERIFY((*connection)->begin() && files.step(**connection, insert, {behind, {}}, rowsTo, found) && (*connection)->commit());
            QCOMPARE(found.lost.size(), size_t{1});
        }
        QCOMPARE(undeclared(dir.path().toStdString() + "/llm-proxy.db").size(), size_t{1});
        for (int start = 0; start < 2; ++start) {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            assertDeclaredOnce(rig);
        }
    }

    void aRangeThatIsFoundBeforeTheStartIsDeclared()
    {
        QTemporaryDir dir;
        makeLog(dir);
        removeLines(dir);
        {
            Rig rig(dir); // a log without an engine
            QVERIFY(!rig.database.open().has_value());
            QVERIFY(!rig.audit->start(&rig.database).has_value());
            QVERIFY(rig.record(accessEvent(tokenId)));
            rig.audit->stop();
            std::string hash;
            QCOMPARE(rig.database.rowsTo(&hash), rig.audit->lastSeq());
        }
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        assertDeclaredOnce(rig);
    }

    // The hash of the last one that is missing: the next start goes on from it.
    void aGapEndsWithTheHashOfItsLastEvent()
    {
        for (const bool hasLater : {true, false}) {
            QTemporaryDir dir;
            makeLog(dir);
            const QString path = dir.filePath(QStringLiteral("audit.log"));
            const QList<QByteArray> lines = linesOf(path);
            putLines(path, hasLater ? lines.first(inTable) + lines.sliced(inTable + inGap) : lines.first(inTable));
            const auto last = parseAuditLine(std::string_view(lines.at(inTable + 4).constData(), static_cast<size_t>(lines.at(inTable + 4).size())));
            QVERIFY(last.has_value());
            auto connection = SqlConnection::open(dir.path().toStdString() + "/llm-proxy.db", SqlConnection::Use::Write);
            QVERIFY(connection.ok());
            AuditInsert insert(**connection);
            AuditCatchUp files(path.toStdString(), nullptr);
            AuditCatchUp::Found found;
            RowsTo rowsTo;
            QVERIFY(readRowsTo(**connection, &rowsTo));
            for (int step = 0; step < 3; ++step)
                QVERIFY((*connection)->begin() && files.step(**connection, insert, {last->seq, last->hash}, rowsTo, found) && (*connection)->commit());
            QCOMPARE(rowsTo.seq, last->seq);
            QCOMPARE(rowsTo.hash, last->hash);
        }
    }

    // As an older version left it: a line must have a prev, or nobody can read it.
    void aLogGoesOnWithoutAHash()
    {
        QTemporaryDir dir;
        makeLog(dir);
        const std::string database = dir.path().toStdString() + "/llm-proxy.db";
        QVERIFY(execute(database, "UPDATE meta SET value = CASE name WHEN 'rows_to' THEN '100' ELSE '' END WHERE name IN ('rows_to', 'rows_to_hash')"));
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QVERIFY(rig.record(accessEvent(tokenId)));
        QCOMPARE(rig.audit->lastSeq(), int64_t{101});
        const QByteArray line = linesOf(dir.filePath(QStringLiteral("audit.log"))).last();
        QVERIFY(parseAuditLine(std::string_view(line.constData(), static_cast<size_t>(line.size())))->prev.size() == 64);
    }
};

REGISTER_TEST(TstLogGaps)
#include "tst_log_gaps.moc"
