// SPDX-License-Identifier: GPL-3.0-only
#include "storage/space.h"

#include "base/log.h"

#include <sqlite3.h>
#include <sys/stat.h>

namespace llmproxy {

namespace {

// 4 MB that new rows use up soon anyway, and a tenth of the file.
constexpr int64_t keptPages = 1024;
constexpr int64_t keptShare = 10;
constexpr auto stepLength = std::chrono::milliseconds(10);
constexpr int64_t keptLogBytes = 24 << 20; // what a checkpoint leaves is written over, which is cheaper than making the file grow again
constexpr int idleSecondsForLog = 2;
constexpr int truncateWaitMs = 1'000;

int64_t numberOf(SqlConnection &connection, const QString &pragma)
{
    QSqlQuery query = connection.query();
    return query.exec(pragma) && query.next() ? query.value(0).toLongLong() : 0;
}

} // namespace

void Space::look(SqlConnection &connection, bool busy)
{
    const int64_t free = numberOf(connection, QStringLiteral("PRAGMA freelist_count"));
    m_isActive = m_canShrink && free > keptPages && free * keptShare > numberOf(connection, QStringLiteral("PRAGMA page_count"));
    m_idleSeconds = busy || m_isActive ? 0 : m_idleSeconds + 1;
    struct stat log{};
    if (m_idleSeconds == idleSecondsForLog && stat(m_log.c_str(), &log) == 0 && log.st_size > 0)
        takeLogIn(connection, log.st_size > keptLogBytes);
}

void Space::step(SqlConnection &connection)
{
    sqlite3 *const database = connection.handle();
    const int64_t before = numberOf(connection, QStringLiteral("PRAGMA freelist_count"));
    const auto began = std::chrono::steady_clock::now();
    do { // each is a transaction
        if (!database || sqlite3_exec(database, "PRAGMA incremental_vacuum(32)", nullptr, nullptr, nullptr) != SQLITE_OK) {
            m_isActive = false; // the next look decides
            return;
        }
    } while (std::chrono::steady_clock::now() - began < stepLength);
    const int64_t free = numberOf(connection, QStringLiteral("PRAGMA freelist_count"));
    m_canShrink = free < before; // else it was made without
    m_isActive = m_canShrink && free > keptPages;
}

// The database itself shrinks with it. Readers are not waited for: with one in the way it is tried again after the next writing.
void Space::takeLogIn(SqlConnection &connection, bool shortens)
{
    connection.setLockWait(0);
    if (sqlite3 *const database = connection.handle())
        sqlite3_wal_checkpoint_v2(database, nullptr, shortens ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    connection.setLockWait(truncateWaitMs);
}

bool makeShrinkable(SqlConnection &connection)
{
    constexpr int64_t incremental = 2;
    if (numberOf(connection, QStringLiteral("PRAGMA auto_vacuum")) == incremental)
        return true;
    logInfo("the database is rewritten once, so that it can give space back");
    return connection.run(QStringLiteral("PRAGMA auto_vacuum = INCREMENTAL")) && connection.run(QStringLiteral("VACUUM"))
        && numberOf(connection, QStringLiteral("PRAGMA auto_vacuum")) == incremental;
}

} // namespace llmproxy
