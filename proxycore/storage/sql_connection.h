// SPDX-License-Identifier: GPL-3.0-only
// One connection to the SQLite file, set up the way all of ours are. Owned and used by one thread.
#pragma once

#include "base/result.h"

#include <QSqlDatabase>
#include <QSqlQuery>
#include <memory>
#include <string>

struct sqlite3;

namespace llmproxy {

class SqlConnection
{
public:
    enum class Use { Write, Read };

    // Only a database of ours is opened (storage/database_file.h). Write: a file that is missing or empty becomes one, and one of
    // a version that set no mark gets it. Error Invalid: it is another program's, and unchanged.
    static Result<std::unique_ptr<SqlConnection>> open(const std::string &path, Use use);
    // The next open() reads the file's mark again. While there are no connections to it.
    static void forget(const std::string &path);
    ~SqlConnection();
    SqlConnection(const SqlConnection &) = delete;
    SqlConnection &operator=(const SqlConnection &) = delete;

    QSqlQuery query() const; // forward only
    // SQLite's own, for the statement that runs for each request. Null when the driver is not SQLite's.
    sqlite3 *handle() const;
    // A whole statement without values. False: see failed() below.
    bool run(const QString &statement);
    bool begin(); // takes the write lock at once
    // How long a statement waits for another connection's lock; 5 s unless it is set.
    void setLockWait(int milliseconds);
    // The last statement failed because another connection, of any process, held the lock.
    bool isLocked() const;
    bool commit();
    void rollback(); // also when SQLite has rolled back by itself

private:
    explicit SqlConnection(QString name) : m_name(std::move(name)) {}
    QString m_name;
    QSqlDatabase m_database;
};

// Writes the statement's error to the application log and says false.
bool failed(const QSqlQuery &query, std::string_view what);
// Runs it; false: it failed, and its error stands in the application log.
bool ran(QSqlQuery &query, std::string_view what);
// After next() said false. False: it was an error, which stands in the application log, and not the last row.
bool ended(const QSqlQuery &query, std::string_view what);
// True when the last statement broke a constraint (a fault of the change, not of the disk).
bool isConstraint(const QSqlQuery &query);
// What callers are told of all storage trouble; retryable.
Error storageError();
// The same, when another process holds SQLite's lock.
Error lockedError();

} // namespace llmproxy
