// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_blocks.h"

#include "base/log.h"
#include "storage/audit_index.h"

#include <QVariant>
#include <cstring>
#include <limits>
#include <sqlite3.h>
#include <utility>

namespace llmproxy {

namespace {

class TermBlocks : public Blocks
{
public:
    TermBlocks(SqlConnection &connection, bool oldestFirst, std::vector<int64_t> terms)
        : Blocks(oldestFirst), m_terms(std::move(terms)), m_query(connection.query())
    {
        m_query.prepare(oldestFirst ? QStringLiteral("SELECT block FROM audit_postings WHERE term = ? AND block >= ? ORDER BY block LIMIT 1")
                                    : QStringLiteral("SELECT block FROM audit_postings WHERE term = ? AND block <= ? ORDER BY block DESC LIMIT 1"));
    }

private:
    bool seek(int64_t block, std::optional<int64_t> *next) override
    {
        next->reset();
        for (const int64_t term : m_terms) {
            m_query.bindValue(0, qint64{term});
            m_query.bindValue(1, qint64{block});
            if (!m_query.exec())
                return failed(m_query, "audit search");
            if (!m_query.next())
                continue;
            const int64_t found = m_query.value(0).toLongLong();
            if (!*next || (m_oldestFirst ? found < **next : found > **next))
                *next = found;
        }
        m_query.finish();
        return true;
    }

    std::vector<int64_t> m_terms;
    QSqlQuery m_query;
};

class TimeBlocks : public Blocks
{
public:
    TimeBlocks(SqlConnection &connection, const AuditQuery &filters) : Blocks(filters.oldestFirst), m_filters(filters), m_query(connection.query())
    {
        m_query.prepare(m_oldestFirst
            ? QStringLiteral("SELECT block FROM audit_blocks WHERE block >= ? AND last_ms >= ? AND first_ms < ? ORDER BY block LIMIT 1")
            : QStringLiteral("SELECT block FROM audit_blocks WHERE block <= ? AND last_ms >= ? AND first_ms < ? ORDER BY block DESC LIMIT 1"));
    }

private:
    bool seek(int64_t block, std::optional<int64_t> *next) override
    {
        m_query.bindValue(0, qint64{block});
        m_query.bindValue(1, qint64{m_filters.fromMs});
        m_query.bindValue(2, qint64{m_filters.toMs > 0 ? m_filters.toMs : std::numeric_limits<int64_t>::max()});
        if (!m_query.exec())
            return failed(m_query, "audit search");
        *next = m_query.next() ? std::optional<int64_t>(m_query.value(0).toLongLong()) : std::nullopt;
        m_query.finish();
        return true;
    }

    const AuditQuery &m_filters;
    QSqlQuery m_query;
};

// Request ids are looked for in the ends of each block's, eight bytes at a time: 2 KB for 256 events.
class RequestBlocks : public Blocks
{
public:
    RequestBlocks(SqlConnection &connection, const AuditQuery &filters) : Blocks(filters.oldestFirst), m_statement(nullptr, sqlite3_finalize)
    {
        static constexpr char up[] = "SELECT block, ends FROM audit_request_ends WHERE block >= ? ORDER BY block";
        static constexpr char down[] = "SELECT block, ends FROM audit_request_ends WHERE block <= ? ORDER BY block DESC";
        std::memcpy(&m_wanted, requestEndOf(filters.requestId).data(), requestEnd);
        sqlite3_stmt *raw = nullptr;
        if (sqlite3 *const database = connection.handle())
            sqlite3_prepare_v2(database, m_oldestFirst ? up : down, -1, &raw, nullptr);
        m_statement.reset(raw);
    }

private:
    bool seek(int64_t block, std::optional<int64_t> *next) override
    {
        next->reset();
        sqlite3_stmt *const row = m_statement.get();
        if (!row)
            return false;
        sqlite3_reset(row);
        sqlite3_bind_int64(row, 1, block);
        int result = SQLITE_ROW;
        while (!*next && (result = sqlite3_step(row)) == SQLITE_ROW) {
            const auto *const ends = static_cast<const char *>(sqlite3_column_blob(row, 1));
            if (hasEnd(ends, ends ? static_cast<size_t>(sqlite3_column_bytes(row, 1)) : 0))
                *next = sqlite3_column_int64(row, 0);
        }
        const bool good = result == SQLITE_ROW || result == SQLITE_DONE;
        if (!good)
            logError("storage_failed", {{"what", "audit search"}, {"error", sqlite3_errmsg(sqlite3_db_handle(row))}});
        sqlite3_reset(row);
        return good;
    }

    bool hasEnd(const char *ends, size_t size) const
    {
        bool found = false;
        for (size_t at = 0; at + requestEnd <= size; at += requestEnd) {
            uint64_t end = 0;
            std::memcpy(&end, ends + at, requestEnd);
            found |= end == m_wanted; // without a branch: four at a time
        }
        return found;
    }

    uint64_t m_wanted = 0;
    static_assert(requestEnd == sizeof m_wanted);
    std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> m_statement;
};

} // namespace

std::unique_ptr<Blocks> blocksOfTerms(SqlConnection &connection, bool oldestFirst, std::vector<int64_t> terms)
{
    return std::make_unique<TermBlocks>(connection, oldestFirst, std::move(terms));
}

std::unique_ptr<Blocks> blocksOfTime(SqlConnection &connection, const AuditQuery &filters)
{
    return std::make_unique<TimeBlocks>(connection, filters);
}

std::unique_ptr<Blocks> blocksOfRequest(SqlConnection &connection, const AuditQuery &filters)
{
    return std::make_unique<RequestBlocks>(connection, filters);
}

} // namespace llmproxy
