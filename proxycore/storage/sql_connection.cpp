// SPDX-License-Identifier: GPL-3.0-only
#include "storage/sql_connection.h"

#include "base/log.h"
#include "storage/database_file.h"
#include "storage/migrations.h"

#include <QSqlDriver>
#include <QSqlError>
#include <QVariant>
#include <atomic>
#include <mutex>
#include <set>
#include <sqlite3.h>
#include <sys/stat.h>
#include <tuple>

namespace llmproxy {

namespace {

QString nextName()
{
    static std::atomic<int64_t> count{0};
    return QStringLiteral("llm-proxy-") + QString::number(++count);
}

// Files whose mark was seen are not looked at again: that would give up the locks of their connections.
class MarkedFiles
{
public:
    bool knows(const std::string &path)
    {
        const auto key = keyOf(path);
        const std::lock_guard guard(m_lock);
        return key && m_known.contains(*key);
    }
    void add(const std::string &path)
    {
        const auto key = keyOf(path);
        const std::lock_guard guard(m_lock);
        if (key)
            m_known.insert(*key);
    }

    void remove(const std::string &path)
    {
        const auto key = keyOf(path);
        const std::lock_guard guard(m_lock);
        if (key)
            m_known.erase(*key);
    }

private:
    using Key = std::tuple<std::string, dev_t, ino_t>;
    static std::optional<Key> keyOf(const std::string &path)
    {
        struct stat info{};
        return stat(path.c_str(), &info) == 0 ? std::optional<Key>({path, info.st_dev, info.st_ino}) : std::nullopt;
    }
    std::mutex m_lock;
    std::set<Key> m_known;
};

MarkedFiles &markedFiles()
{
    static MarkedFiles files;
    return files;
}

// Error: it is not ours to open.
Result<DatabaseKind> kindOf(const std::string &path, SqlConnection::Use use)
{
    if (markedFiles().knows(path))
        return DatabaseKind::Marked;
    const auto look = lookAtDatabase(path, static_cast<uint32_t>(newestSchema()));
    if (!look)
        return look.error();
    const bool isThere = look->kind == DatabaseKind::Marked || look->kind == DatabaseKind::Unmarked;
    if (look->kind == DatabaseKind::Other)
        return notOurDatabase(path);
    if (!isThere && use == SqlConnection::Use::Read)
        return Error{ErrorKind::Unavailable, "storage", "There is no database at '" + path + "'.", "DATABASE_PATH"};
    return look->kind;
}

} // namespace

Result<std::unique_ptr<SqlConnection>> SqlConnection::open(const std::string &path, Use use)
{
    // Before SQLite is first used: it would count its memory under one lock for all threads, which nobody reads (5 % of a row).
    [[maybe_unused]] static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    const auto kind = kindOf(path, use);
    if (!kind)
        return kind.error();
    const bool marks = *kind != DatabaseKind::Marked && use == Use::Write;
    std::unique_ptr<SqlConnection> connection(new SqlConnection(nextName()));
    QSqlDatabase &database = connection->m_database;
    database = QSqlDatabase::addDatabase(QStringLiteral("QSQLITE"), connection->m_name);
    database.setDatabaseName(QString::fromStdString(path));
    database.setConnectOptions(QStringLiteral("QSQLITE_BUSY_TIMEOUT=5000"));
    if (!database.open()) {
        logError("storage_open_failed", {{"path", path}, {"error", database.lastError().text().toStdString()}});
        return Error{ErrorKind::Unavailable, "storage", "The database '" + path + "' cannot be opened: "
                     + database.lastError().databaseText().toStdString(), "DATABASE_PATH"};
    }
    // In a new database, so that pages can be given back; in one that is there it changes nothing (makeShrinkable() does).
    const bool ready = (use != Use::Write || connection->run(QStringLiteral("PRAGMA auto_vacuum = INCREMENTAL")))
                       // 0x4c4c4d50, before any table: a start that is killed leaves an empty file or one of ours.
                       && (!marks || connection->run(QStringLiteral("PRAGMA application_id = 1280068944")))
                       && connection->run(QStringLiteral("PRAGMA journal_mode = WAL"))
                       && connection->run(QStringLiteral("PRAGMA synchronous = FULL"))
                       && connection->run(QStringLiteral("PRAGMA foreign_keys = ON"))
                       // What a transaction of audit rows touches, and no more: the rest would only be memory that grows.
                       && (use != Use::Write || connection->run(QStringLiteral("PRAGMA cache_size = -4096")))
                       && (use != Use::Write || connection->run(QStringLiteral("PRAGMA wal_autocheckpoint = 4000")))
                       // A log that a large removal made grow is cut back to somewhat more than the checkpoint above takes.
                       && (use != Use::Write || connection->run(QStringLiteral("PRAGMA journal_size_limit = 25165824")))
                       && (use == Use::Write || connection->run(QStringLiteral("PRAGMA query_only = ON")));
    if (!ready)
        return Error{ErrorKind::Unavailable, "storage", "'" + path + "' is not a database that this program can use.",
                     "DATABASE_PATH"};
    if (marks || *kind == DatabaseKind::Marked)
        markedFiles().add(path);
    return connection;
}

void SqlConnection::forget(const std::string &path)
{
    markedFiles().remove(path);
}

SqlConnection::~SqlConnection()
{
    m_database.close();
    m_database = QSqlDatabase(); // removeDatabase warns while a handle is left
    QSqlDatabase::removeDatabase(m_name);
}

QSqlQuery SqlConnection::query() const
{
    QSqlQuery query(m_database);
    query.setForwardOnly(true);
    return query;
}

sqlite3 *SqlConnection::handle() const
{
    const QVariant handle = m_database.driver()->handle();
    return handle.isValid() && qstrcmp(handle.typeName(), "sqlite3*") == 0 ? *static_cast<sqlite3 *const *>(handle.data()) : nullptr;
}

bool SqlConnection::run(const QString &statement)
{
    QSqlQuery once = query();
    return once.exec(statement) || failed(once, "statement");
}

bool SqlConnection::begin()
{
    return run(QStringLiteral("BEGIN IMMEDIATE"));
}

void SqlConnection::setLockWait(int milliseconds)
{
    if (sqlite3 *const database = handle())
        sqlite3_busy_timeout(database, milliseconds);
}

bool SqlConnection::isLocked() const
{
    sqlite3 *const database = handle();
    const int error = database ? sqlite3_errcode(database) & 0xff : SQLITE_OK;
    return error == SQLITE_BUSY || error == SQLITE_LOCKED;
}

bool SqlConnection::commit()
{
    return run(QStringLiteral("COMMIT"));
}

void SqlConnection::rollback()
{
    QSqlQuery once = query();
    // Fails when SQLite has rolled back by itself (full disk): that is what is wanted.
    once.exec(QStringLiteral("ROLLBACK"));
}

bool failed(const QSqlQuery &query, std::string_view what)
{
    logError("storage_failed", {{"what", std::string(what)}, {"error", query.lastError().text().toStdString()}});
    return false;
}

bool ran(QSqlQuery &query, std::string_view what)
{
    return query.exec() || failed(query, what);
}

bool ended(const QSqlQuery &query, std::string_view what)
{
    return !query.lastError().isValid() || failed(query, what);
}

bool isConstraint(const QSqlQuery &query)
{
    constexpr int sqliteConstraint = 19; // the low byte of all its extended codes
    return (query.lastError().nativeErrorCode().toInt() & 0xff) == sqliteConstraint;
}

Error lockedError()
{
    return {ErrorKind::Unavailable, "service_unavailable", "The database is locked by another process, such as a database browser or a backup; nothing was changed. "
            "Close that program, or try again.", {}};
}

Error storageError()
{
    return {ErrorKind::Unavailable, "service_unavailable", "The storage cannot be used at the moment; try again.", {}};
}

} // namespace llmproxy
