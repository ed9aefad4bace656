// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_blocks.h"

#include "base/log.h"

#include <QVariant>
#include <limits>
#include <sqlite3.h>
#include <utility>

namespace llmproxy {

namespace {

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

Statement prepared(SqlConnection &connection, const char *text)
{
    sqlite3_stmt *raw = nullptr;
    if (sqlite3 *const database = connection.handle())
        sqlite3_prepare_v2(database, text, -1, &raw, nullptr);
    return {raw, sqlite3_finalize};
}

bool searchFailed(sqlite3_stmt *statement)
{
    logError("storage_failed", {{"what", "audit search"}, {"error", sqlite3_errmsg(sqlite3_db_handle(statement))}});
    return false;
}

// The blocks of one dictionary entry. It stays where it is between two questions: the next block is the next row, and seeking
// anew costs ten times as much.
class Postings
{
public:
    Postings(SqlConnection &connection, bool oldestFirst, int64_t term)
        : m_oldestFirst(oldestFirst), m_term(term),
          m_statement(prepared(connection, oldestFirst ? "SELECT block, rows FROM audit_postings WHERE term = ? AND block >= ? ORDER BY block"
                                                       : "SELECT block, rows FROM audit_postings WHERE term = ? AND block <= ? ORDER BY block DESC"))
    {
    }

    // To the first one from this block on.
    bool moveTo(int64_t block)
    {
        if (!m_statement)
            return false;
        for (int steps = 0; m_isOpen && m_block && isBefore(*m_block, block) && steps < mostSteps; ++steps) {
            if (!step())
                return false;
        }
        if (m_isOpen && (!m_block || !isBefore(*m_block, block)))
            return true;
        sqlite3_reset(m_statement.get());
        sqlite3_bind_int64(m_statement.get(), 1, m_term);
        sqlite3_bind_int64(m_statement.get(), 2, block);
        m_isOpen = true;
        return step();
    }
    const std::optional<int64_t> &block() const { return m_block; }

    void addTo(Blocks::Rows &rows) const
    {
        const auto *const bytes = static_cast<const unsigned char *>(sqlite3_column_blob(m_statement.get(), 1));
        if (!bytes) { // nobody knows
            rows.set();
            return;
        }
        for (int at = sqlite3_column_bytes(m_statement.get(), 1) - 1; at >= 0; --at)
            rows.set(bytes[at]);
    }

private:
    static constexpr int mostSteps = 16;

    bool isBefore(int64_t one, int64_t other) const { return m_oldestFirst ? one < other : one > other; }
    bool step()
    {
        const int result = sqlite3_step(m_statement.get());
        m_block = result == SQLITE_ROW ? std::optional<int64_t>(sqlite3_column_int64(m_statement.get(), 0)) : std::nullopt;
        return result == SQLITE_ROW || result == SQLITE_DONE || searchFailed(m_statement.get());
    }

    bool m_oldestFirst;
    int64_t m_term;
    Statement m_statement;
    bool m_isOpen = false;
    std::optional<int64_t> m_block; // of the row that it is at; nullopt: behind the last one
};

class TermBlocks : public Blocks
{
public:
    TermBlocks(SqlConnection &connection, bool oldestFirst, const std::vector<int64_t> &terms) : Blocks(oldestFirst)
    {
        for (const int64_t term : terms)
            m_postings.emplace_back(connection, oldestFirst, term);
    }

    void restrict(int64_t block, Rows &rows) const override
    {
        Rows any;
        for (const Postings &one : m_postings) {
            if (one.block() == block)
                one.addTo(any);
        }
        rows &= any;
    }

private:
    bool seek(int64_t block, std::optional<int64_t> *next) override
    {
        next->reset();
        for (Postings &one : m_postings) {
            if (!one.moveTo(block))
                return false;
            if (one.block() && (!*next || (m_oldestFirst ? *one.block() < **next : *one.block() > **next)))
                *next = one.block();
        }
        return true;
    }

    std::vector<Postings> m_postings;
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

} // namespace

std::unique_ptr<Blocks> blocksOfTerms(SqlConnection &connection, bool oldestFirst, const std::vector<int64_t> &terms)
{
    return std::make_unique<TermBlocks>(connection, oldestFirst, terms);
}

std::unique_ptr<Blocks> blocksOfTime(SqlConnection &connection, const AuditQuery &filters)
{
    return std::make_unique<TimeBlocks>(connection, filters);
}

} // namespace llmproxy
