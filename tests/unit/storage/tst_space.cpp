// SPDX-License-Identifier: GPL-3.0-only
// What a removal leaves free goes back to the disk, while changes go on, and the write-ahead log is short again.
#include "database_rig.h"
#include "storage/sql_connection.h"
#include "test_registry.h"

#include <QFileInfo>

#include <sqlite3.h>

using namespace llmproxy;
using namespace llmproxy::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int many = 10'000; // ten times as slow
#else
constexpr int many = 20'000;
#endif

int64_t sizeOf(const std::string &path)
{
    return QFileInfo(QString::fromStdString(path)).size();
}

void fill(Rig &rig)
{
    for (int batch = 0; batch < 10; ++batch) {
        std::vector<AuditLog::Entry> entries;
        for (int i = 0; i < many / 10; ++i) {
            AuditEvent event = accessEvent(tokenId);
            event.detail("message", std::string(800, 'x'));
            entries.push_back({std::move(event), nullptr});
        }
        rig.audit->recordAll(std::move(entries));
    }
    QVERIFY(rig.record(accessEvent(tokenId)));
    rig.settle();
}

void removeAll(Rig &rig)
{
    std::promise<bool> removed;
    rig.database.removeAudit(many, [&removed](bool ok, int64_t) { removed.set_value(ok); });
    QVERIFY(removed.get_future().get());
}

int64_t pragma(const std::string &path, const char *name)
{
    auto connection = SqlConnection::open(path, SqlConnection::Use::Read);
    QSqlQuery query = (*connection)->query();
    return query.exec(QStringLiteral("PRAGMA ") + QLatin1String(name)) && query.next() ? query.value(0).toLongLong() : -1;
}

} // namespace

class TstSpace : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aRemovalGivesSpaceBack()
    {
        QTemporaryDir dir;
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        fill(rig);
        const int64_t before = std::max(sizeOf(rig.path), pragma(rig.path, "page_count") * pragma(rig.path, "page_size"));
        QVERIFY(before > many * 800);
        removeAll(rig);
        int changes = 0;
        const auto shrunk = [&] {
            if (changes++ < 200 && rig.change({PutProject{project(rig, "p1")}})) // somebody is served meanwhile
                return false;
            return pragma(rig.path, "freelist_count") <= 1024;
        };
        QTRY_VERIFY_WITH_TIMEOUT(shrunk(), 30'000);
        QTRY_VERIFY_WITH_TIMEOUT(sizeOf(rig.path) < before / 2, 30'000);
        QTRY_VERIFY_WITH_TIMEOUT(sizeOf(rig.path + "-wal") <= 25'165'824, 30'000);
        QVERIFY(rig.record(accessEvent(tokenId)));
    }

    void anOlderDatabaseIsMadeToShrink()
    {
        QTemporaryDir dir;
        {
            Rig rig(dir);
            QVERIFY(!rig.start().has_value());
            QVERIFY(!rig.change({PutProject{project(rig, "p1")}}).has_value());
        }
        const std::string path = dir.path().toStdString() + "/llm-proxy.db";
        sqlite3 *database = nullptr;
        sqlite3_open(path.c_str(), &database);
        QCOMPARE(sqlite3_exec(database, "PRAGMA auto_vacuum = NONE; VACUUM", nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
        QCOMPARE(pragma(path, "auto_vacuum"), int64_t{0});
        Rig rig(dir);
        QVERIFY(!rig.start().has_value());
        QCOMPARE(pragma(path, "auto_vacuum"), int64_t{2});
        QVERIFY(rig.snapshots.current()->project("p1"));
    }
};

REGISTER_TEST(TstSpace)
#include "tst_space.moc"
