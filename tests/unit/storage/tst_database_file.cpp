// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "storage/database.h"
#include "storage/database_file.h"
#include "storage/migrations.h"
#include "storage/sql_connection.h"

#include <QFile>
#include <QTemporaryDir>

#include <sqlite3.h>
#include <sys/stat.h>

using namespace llmproxy;

class TstDatabaseFile : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void whatEachIs_data();
    void whatEachIs();
    void ofAnOlderVersion();
    void anotherProgramsIsNotOpened();
    void readingCreatesNothing();
};

namespace {

constexpr uint32_t newest = 7;

class Plain
{
public:
    explicit Plain(const std::string &path) { sqlite3_open(path.c_str(), &m_database); }
    ~Plain() { sqlite3_close(m_database); }
    Plain(const Plain &) = delete;
    Plain &operator=(const Plain &) = delete;
    void run(const QString &statements) { QCOMPARE(sqlite3_exec(m_database, statements.toUtf8().constData(), nullptr, nullptr, nullptr), SQLITE_OK); }

private:
    sqlite3 *m_database = nullptr;
};

DatabaseKind kindAt(const std::string &path)
{
    const auto look = lookAtDatabase(path, newest);
    return look ? look->kind : DatabaseKind::Other;
}

QByteArray bytesOf(const std::string &path)
{
    QFile file(QString::fromStdString(path));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

void TstDatabaseFile::whatEachIs_data()
{
    QTest::addColumn<QString>("statements");
    QTest::addColumn<int>("kind");
    const QString tables = QStringLiteral("CREATE TABLE meta (a); CREATE TABLE key_ring (a); CREATE TABLE projects (a); CREATE TABLE tokens (a); CREATE TABLE audit_events (a); ");
    QTest::newRow("another's") << QStringLiteral("CREATE TABLE users (a)") << int(DatabaseKind::Other);
    QTest::newRow("without tables") << QStringLiteral("PRAGMA user_version = 3") << int(DatabaseKind::Other);
    QTest::newRow("our tables, no number") << tables << int(DatabaseKind::Other);
    QTest::newRow("our tables, too high a number") << tables + QStringLiteral("PRAGMA user_version = 8") << int(DatabaseKind::Other);
    QTest::newRow("our tables and number") << tables + QStringLiteral("PRAGMA user_version = 3") << int(DatabaseKind::Unmarked);
    QTest::newRow("likewise, marked by another") << tables + QStringLiteral("PRAGMA user_version = 3; PRAGMA application_id = 5") << int(DatabaseKind::Other);
    QTest::newRow("one table short") << tables + QStringLiteral("DROP TABLE tokens; PRAGMA user_version = 3") << int(DatabaseKind::Other);
    QTest::newRow("marked") << QStringLiteral("PRAGMA application_id = 1280068944") << int(DatabaseKind::Marked);
}

void TstDatabaseFile::whatEachIs()
{
    QFETCH(QString, statements);
    QFETCH(int, kind);
    for (const char *mode : {"DELETE", "WAL"}) {
        QTemporaryDir folder;
        const std::string path = folder.filePath(QStringLiteral("a b?c#.db")).toStdString();
        QCOMPARE(kindAt(path), DatabaseKind::Missing);
        Plain plain(path);
        plain.run(QStringLiteral("PRAGMA wal_autocheckpoint = 0; PRAGMA journal_mode = ") + QString::fromLatin1(mode));
        plain.run(QStringLiteral("CREATE TABLE first (a); DROP TABLE first;") + statements);
        const QByteArray file = bytesOf(path), log = bytesOf(path + "-wal"), shared = bytesOf(path + "-shm");
        QCOMPARE(int(kindAt(path)), kind);
        QCOMPARE(bytesOf(path), file);
        QCOMPARE(bytesOf(path + "-wal"), log);
        QCOMPARE(bytesOf(path + "-shm"), shared);
    }
}

void TstDatabaseFile::ofAnOlderVersion()
{
    QTemporaryDir folder;
    const std::string path = folder.filePath(QStringLiteral("llm-proxy.db")).toStdString();
    QVERIFY(!Database({path}).open());
    QCOMPARE(*Database::lookAt(path), Database::State::Current);
    Plain(path).run(QStringLiteral("PRAGMA application_id = 0"));
    QCOMPARE(*Database::lookAt(path), Database::State::Older);
    QVERIFY(!Database({path}).open());
    QCOMPARE(bytesOf(path).mid(68, 4), QByteArray("LLMP"));
    QCOMPARE(*Database::lookAt(path), Database::State::Current);
    Plain(path).run(QStringLiteral("PRAGMA user_version = 3"));
    QCOMPARE(*Database::lookAt(path), Database::State::Older);
    Plain(path).run(QStringLiteral("PRAGMA user_version = %1").arg(newestSchema() + 1));
    QCOMPARE(*Database::lookAt(path), Database::State::Current);
    const Outcome newer = Database({path}).open();
    QVERIFY(newer && newer->code == "storage_schema");
}

void TstDatabaseFile::anotherProgramsIsNotOpened()
{
    QTemporaryDir folder;
    const std::string path = folder.filePath(QStringLiteral("app.db")).toStdString();
    Plain(path).run(QStringLiteral("CREATE TABLE users (a)"));
    const QByteArray before = bytesOf(path);
    for (const SqlConnection::Use use : {SqlConnection::Use::Read, SqlConnection::Use::Write}) {
        const auto opened = SqlConnection::open(path, use);
        QVERIFY(!opened);
        QCOMPARE(opened.error().kind, ErrorKind::Invalid);
        QCOMPARE(opened.error().field, std::string("DATABASE_PATH"));
        QVERIFY(opened.error().message.find(path) != std::string::npos);
    }
    const Outcome failure = Database({path}).open();
    QVERIFY(failure && failure->kind == ErrorKind::Invalid);
    QCOMPARE(bytesOf(path), before);
    QCOMPARE(QDir(folder.path()).entryList(QDir::Files), QStringList{QStringLiteral("app.db")});
}

void TstDatabaseFile::readingCreatesNothing()
{
    QTemporaryDir folder;
    const std::string path = folder.filePath(QStringLiteral("none.db")).toStdString();
    QVERIFY(!SqlConnection::open(path, SqlConnection::Use::Read));
    QVERIFY(!Database({path}).keyRingRecord());
    QCOMPARE(*Database::lookAt(path), Database::State::None);
    QVERIFY(QDir(folder.path()).isEmpty());
}

REGISTER_TEST(TstDatabaseFile)
#include "tst_database_file.moc"
