// SPDX-License-Identifier: GPL-3.0-only
#include "storage/retention.h"

#include "storage/audit_index.h"

#include <QVariant>
#include <utility>
#include <vector>

namespace llmproxy {

namespace {

constexpr qint64 rowsAtOnce = 1000;
constexpr qint64 termsAtOnce = 200;

} // namespace

void Retention::begin(int64_t toSeq, Done done)
{
    end(false);
    m_toSeq = toSeq;
    m_rows = m_term = 0;
    m_part = Part::Rows;
    m_done = std::move(done);
}

void Retention::abandon()
{
    end(false);
}

void Retention::end(bool ok)
{
    m_toSeq = 0;
    if (const Done done = std::exchange(m_done, nullptr))
        done(ok, m_rows);
}

bool Retention::step(SqlConnection &connection, bool *termsGone)
{
    if (!connection.begin()) {
        end(false);
        return false;
    }
    const Part part = m_part;
    const bool good = part == Part::Rows ? removeRows(connection) : part == Part::Blocks ? removeBlocks(connection) : removeTerms(connection, termsGone);
    if (!good || !connection.commit()) {
        connection.rollback();
        end(false);
        return false;
    }
    if (part == Part::Terms && m_term < 0)
        end(true);
    return true;
}

bool Retention::removeRows(SqlConnection &connection)
{
    QSqlQuery note = connection.query(); // so that the trigger leaves these rows' blocks to us
    note.prepare(QStringLiteral("INSERT INTO meta (name, value) VALUES ('retention_seq', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
    note.addBindValue(QString::number(qint64{m_toSeq}));
    if (!ran(note, "retention"))
        return false;
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("DELETE FROM audit_events WHERE seq IN (SELECT seq FROM audit_events WHERE seq <= ? ORDER BY seq LIMIT ?)"));
    query.addBindValue(qint64{m_toSeq});
    query.addBindValue(rowsAtOnce);
    if (!ran(query, "retention"))
        return false;
    m_rows += query.numRowsAffected();
    if (query.numRowsAffected() < rowsAtOnce)
        m_part = Part::Blocks;
    return true;
}

// Blocks that are gone whole; the one that is cut stays until it is.
bool Retention::removeBlocks(SqlConnection &connection)
{
    const qint64 first = (m_toSeq + 1) / auditBlock;
    for (const QString &statement : {QStringLiteral("DELETE FROM audit_blocks WHERE block < ?"), QStringLiteral("DELETE FROM audit_request_ends WHERE block < ?"),
                                     QStringLiteral("WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 63) "
                                                    "DELETE FROM audit_request_index WHERE bucket IN (SELECT n FROM numbers) AND segment < ? / 64")}) {
        QSqlQuery query = connection.query();
        query.prepare(statement);
        query.addBindValue(first);
        if (!ran(query, "retention"))
            return false;
    }
    m_part = Part::Terms;
    return true;
}

bool Retention::removeTerms(SqlConnection &connection, bool *termsGone)
{
    QSqlQuery terms = connection.query();
    terms.prepare(QStringLiteral("SELECT id FROM audit_terms WHERE id > ? ORDER BY id LIMIT ?"));
    terms.addBindValue(qint64{m_term});
    terms.addBindValue(termsAtOnce);
    if (!ran(terms, "retention"))
        return false;
    std::vector<qint64> ids;
    while (terms.next())
        ids.push_back(terms.value(0).toLongLong());
    terms.finish();
    QSqlQuery postings = connection.query();
    postings.prepare(QStringLiteral("DELETE FROM audit_postings WHERE term = ? AND block < ?"));
    QSqlQuery daily = connection.query(); // whole days before the oldest row that is left
    daily.prepare(QStringLiteral("DELETE FROM audit_daily WHERE term = ? AND (day < (SELECT CAST(strftime('%s', timestamp) AS INTEGER) / 86400 "
                                 "FROM audit_events ORDER BY seq LIMIT 1) OR NOT EXISTS (SELECT 1 FROM audit_postings WHERE term = audit_daily.term))"));
    QSqlQuery unused = connection.query();
    unused.prepare(QStringLiteral("DELETE FROM audit_terms WHERE id = ? AND NOT EXISTS (SELECT 1 FROM audit_postings WHERE term = audit_terms.id)"));
    for (const qint64 id : ids) {
        postings.bindValue(0, id);
        postings.bindValue(1, qint64{(m_toSeq + 1) / auditBlock});
        daily.bindValue(0, id);
        unused.bindValue(0, id);
        if (!ran(postings, "retention") || !ran(daily, "retention") || !ran(unused, "retention"))
            return false;
        *termsGone = *termsGone || unused.numRowsAffected() > 0;
    }
    m_term = static_cast<qint64>(ids.size()) < termsAtOnce ? -1 : ids.back();
    return true;
}

} // namespace llmproxy
