// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_search.h"

#include "base/clock.h"
#include "storage/audit_blocks.h"
#include "storage/audit_index.h"
#include "storage/audit_rows.h"
#include "storage/request_index.h"

#include <QVariant>
#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>

// An empty value is every row's: '' IN ('', x). GLOB '*' is any action.
#define AUDIT_REST \
    "AND seq >= ? AND seq <= ? AND action GLOB ? AND ? IN ('', actor) AND ? IN ('', result) AND ? IN ('', project_id) " \
    "AND ? IN ('', request_id) AND ? IN ('', client_ip) AND ? IN ('', token_uuid, token_id) " \
    "AND timestamp >= ? AND timestamp < ? " \
    "AND (? = '' OR CAST(json_extract(details, '$.status') AS TEXT) = ?) AND (? = '' OR json_extract(details, '$.model') = ?) "
#define NEWEST_FIRST "ORDER BY seq DESC LIMIT ?"
#define OLDEST_FIRST "ORDER BY seq LIMIT ?"

namespace llmproxy {

namespace {

// A text that so many values contain is found faster by reading events than by their blocks.
constexpr size_t mostTermsOfText = 256;
// A row by itself takes 15 µs, in its block 3.
constexpr size_t mostSingleRows = 48;

// An empty std::string gives a null QString in no Qt version, but NULL here would match nothing.
QString whole(const std::string &text)
{
    return text.empty() ? QStringLiteral("") : QString::fromStdString(text);
}

QString escapedGlob(const std::string &text)
{
    QString pattern;
    for (const QChar c : QString::fromStdString(text)) {
        if (c == QLatin1Char('*') || c == QLatin1Char('?') || c == QLatin1Char('['))
            pattern += QLatin1Char('[') + c + QLatin1Char(']');
        else
            pattern += c;
    }
    return pattern;
}

QString actionPattern(const std::string &action)
{
    if (action.empty())
        return QStringLiteral("*");
    const bool star = action.ends_with('*');
    const QString pattern = escapedGlob(star ? action.substr(0, action.size() - 1) : action);
    return star || action.ends_with('.') ? pattern + QLatin1Char('*') : pattern;
}

class Search
{
public:
    Search(SqlConnection &connection, const AuditQuery &filters)
        : m_connection(connection), m_filters(filters), m_fromSeq(filters.oldestFirst ? filters.fromSeq + 1 : 1),
          m_toSeq(filters.oldestFirst || filters.fromSeq == 0 ? std::numeric_limits<int64_t>::max() : filters.fromSeq - 1)
    {
    }
    Outcome run();
    std::vector<AuditEvent> take();

private:
    bool addTerms(std::string_view kind, const std::string &value);
    bool addActions();
    bool addTokens();
    bool addText();
    bool termsOf(QSqlQuery &query, std::vector<int64_t> *terms);
    void require(const std::vector<int64_t> &terms);
    bool nextBlock(int64_t *block, bool *end);
    bool readBlocks();
    bool readBlock(QSqlQuery &query, int64_t block);
    bool readMaskedAlone();
    bool read(QSqlQuery &query, const QString &value, int64_t fromSeq, int64_t toSeq);
    size_t missing() const { return static_cast<size_t>(m_filters.limit) - std::min(m_found.size(), static_cast<size_t>(m_filters.limit)); }

    SqlConnection &m_connection;
    const AuditQuery &m_filters;
    const int64_t m_fromSeq, m_toSeq; // what is left of the keyset
    std::vector<std::unique_ptr<Blocks>> m_conditions;
    bool m_nothing = false; // a value that is nowhere
    std::map<int64_t, AuditEvent> m_found;
};

bool Search::termsOf(QSqlQuery &query, std::vector<int64_t> *terms)
{
    if (!query.exec())
        return failed(query, "audit search");
    while (query.next())
        terms->push_back(query.value(0).toLongLong());
    return true;
}

void Search::require(const std::vector<int64_t> &terms)
{
    m_nothing = m_nothing || terms.empty();
    m_conditions.push_back(blocksOfTerms(m_connection, m_filters.oldestFirst, terms));
}

bool Search::addTerms(std::string_view kind, const std::string &value)
{
    if (value.empty())
        return true;
    QSqlQuery query = m_connection.query();
    query.prepare(QStringLiteral("SELECT id FROM audit_terms WHERE kind = ? AND value = ?"));
    query.addBindValue(QString::fromUtf8(kind.data(), static_cast<qsizetype>(kind.size())));
    query.addBindValue(whole(value));
    std::vector<int64_t> terms;
    if (!termsOf(query, &terms))
        return false;
    require(terms);
    return true;
}

bool Search::addActions()
{
    if (m_filters.action.empty() || m_filters.action == "*")
        return true;
    QSqlQuery query = m_connection.query();
    query.prepare(QStringLiteral("SELECT id FROM audit_terms WHERE kind = 'action' AND value GLOB ?"));
    query.addBindValue(actionPattern(m_filters.action));
    std::vector<int64_t> terms;
    if (!termsOf(query, &terms))
        return false;
    require(terms);
    return true;
}

// By UUID; a masked form stands for the tokens that it belongs to, nearly always one.
bool Search::addTokens()
{
    if (m_filters.tokenId.empty())
        return true;
    if (m_filters.tokenId.find('*') == std::string::npos)
        return addTerms("token_uuid", m_filters.tokenId);
    QSqlQuery query = m_connection.query();
    query.prepare(QStringLiteral(
        "SELECT id FROM audit_terms WHERE kind = 'token_uuid' AND value IN (SELECT id FROM tokens WHERE masked = ? "
        "UNION SELECT token_uuid FROM audit_events WHERE token_id = ? AND token_id IS NOT NULL AND (action <> 'token.access' OR token_uuid IS NULL))"));
    query.addBindValue(whole(m_filters.tokenId));
    query.addBindValue(whole(m_filters.tokenId));
    std::vector<int64_t> terms;
    if (!termsOf(query, &terms))
        return false;
    require(terms);
    return true;
}

bool Search::addText()
{
    if (m_filters.text.empty())
        return true;
    QSqlQuery query = m_connection.query();
    query.prepare(QStringLiteral("SELECT id FROM audit_terms WHERE kind = 'unlisted' OR (kind <> 'status' AND value LIKE ? ESCAPE '\\') LIMIT ?"));
    QString pattern;
    for (const QChar c : QString::fromStdString(m_filters.text)) {
        if (c == QLatin1Char('%') || c == QLatin1Char('_') || c == QLatin1Char('\\'))
            pattern += QLatin1Char('\\');
        pattern += c.unicode() < 128 ? c : QLatin1Char('%'); // LIKE knows the case of ASCII only
    }
    query.addBindValue(QString(QLatin1Char('%') + pattern + QLatin1Char('%')));
    query.addBindValue(qint64{mostTermsOfText} + 1);
    std::vector<int64_t> terms;
    if (!termsOf(query, &terms))
        return false;
    if (terms.size() <= mostTermsOfText)
        require(terms);
    return true;
}

// Where all conditions agree, from this block on.
bool Search::nextBlock(int64_t *block, bool *end)
{
    *end = false;
    for (bool moved = true; moved;) {
        moved = false;
        for (const auto &condition : m_conditions) {
            std::optional<int64_t> next;
            if (!condition->from(*block, &next))
                return false;
            if (!next) {
                *end = true;
                return true;
            }
            moved = moved || *next != *block;
            *block = *next;
        }
    }
    return true;
}

bool Search::read(QSqlQuery &query, const QString &value, int64_t fromSeq, int64_t toSeq)
{
    query.addBindValue(value);
    query.addBindValue(qint64{fromSeq});
    query.addBindValue(qint64{toSeq});
    query.addBindValue(actionPattern(m_filters.action));
    for (const std::string *text : {&m_filters.actor, &m_filters.result, &m_filters.projectId, &m_filters.requestId, &m_filters.clientIp, &m_filters.tokenId})
        query.addBindValue(whole(*text));
    query.addBindValue(m_filters.fromMs > 0 ? whole(sqlTimestamp(m_filters.fromMs)) : QStringLiteral(""));
    query.addBindValue(m_filters.toMs > 0 ? whole(sqlTimestamp(m_filters.toMs)) : QStringLiteral("~")); // after all digits
    for (const std::string *text : {&m_filters.status, &m_filters.status, &m_filters.model, &m_filters.model})
        query.addBindValue(whole(*text));
    query.addBindValue(m_filters.text.empty() ? qint64(m_filters.limit) : qint64{-1});
    if (!query.exec())
        return failed(query, "audit search");
    for (int kept = 0; kept < m_filters.limit && query.next();) {
        AuditEvent event = eventOfRow(query);
        if (!m_filters.text.empty() && !matchesText(event, m_filters.text))
            continue;
        const int64_t seq = event.seq;
        m_found.emplace(seq, std::move(event));
        ++kept;
    }
    return true;
}

// Those of its events that may be meant, one by one when they are few.
bool Search::readBlock(QSqlQuery &query, int64_t block)
{
    Blocks::Rows rows;
    rows.set();
    for (const auto &condition : m_conditions)
        condition->restrict(block, rows);
    const int64_t first = block * auditBlock;
    if (rows.count() > mostSingleRows)
        return read(query, QStringLiteral(""), std::max(first, m_fromSeq), std::min(first + auditBlock - 1, m_toSeq));
    const bool up = m_filters.oldestFirst;
    for (int64_t at = up ? 0 : auditBlock - 1; rows.any() && at >= 0 && at < auditBlock && missing() > 0; at += up ? 1 : -1) {
        const int64_t seq = first + at;
        if (rows.test(static_cast<size_t>(at)) && seq >= m_fromSeq && seq <= m_toSeq && !read(query, QStringLiteral(""), seq, seq))
            return false;
    }
    return true;
}

bool Search::readBlocks()
{
    const bool up = m_filters.oldestFirst;
    QSqlQuery query = m_connection.query(); // prepared once: a page may read a thousand blocks
    query.prepare(up ? QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE ? = '' " AUDIT_REST OLDEST_FIRST)
                     : QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE ? = '' " AUDIT_REST NEWEST_FIRST));
    if (m_conditions.empty())
        return read(query, QStringLiteral(""), m_fromSeq, m_toSeq);
    int64_t block = (up ? m_fromSeq : m_toSeq) / auditBlock;
    for (bool end = false; missing() > 0; block += up ? 1 : -1) {
        if (!nextBlock(&block, &end))
            return false;
        if (end || !readBlock(query, block))
            return end;
    }
    return true;
}

// Events about a masked token that say no UUID: refused credentials that nobody has.
bool Search::readMaskedAlone()
{
    QSqlQuery query = m_connection.query();
    query.prepare(m_filters.oldestFirst
        ? QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE token_id IS NOT NULL AND (action <> 'token.access' OR token_uuid IS NULL) "
                         "AND token_id = ? " AUDIT_REST OLDEST_FIRST)
        : QStringLiteral(AUDIT_COLUMNS "FROM audit_events WHERE token_id IS NOT NULL AND (action <> 'token.access' OR token_uuid IS NULL) "
                         "AND token_id = ? " AUDIT_REST NEWEST_FIRST));
    return read(query, whole(m_filters.tokenId), m_fromSeq, m_toSeq);
}

Outcome Search::run()
{
    const bool good = addActions() && addTerms("actor", m_filters.actor) && addTerms("result", m_filters.result)
        && addTerms("project_id", m_filters.projectId) && addTerms("client_ip", m_filters.clientIp) && addTerms("status", m_filters.status)
        && addTerms("model", m_filters.model) && addTokens() && addText();
    if (!good)
        return storageError();
    if (!m_filters.requestId.empty())
        m_conditions.push_back(blocksOfRequest(m_connection, m_filters));
    if (m_filters.fromMs > 0 || m_filters.toMs > 0)
        m_conditions.push_back(blocksOfTime(m_connection, m_filters));
    if (!m_nothing && !readBlocks())
        return storageError();
    if (m_filters.tokenId.find('*') != std::string::npos && !readMaskedAlone())
        return storageError();
    return {};
}

std::vector<AuditEvent> Search::take()
{
    std::vector<AuditEvent> events;
    for (auto &[seq, event] : m_found)
        events.push_back(std::move(event));
    if (!m_filters.oldestFirst)
        std::reverse(events.begin(), events.end());
    if (events.size() > static_cast<size_t>(m_filters.limit))
        events.resize(static_cast<size_t>(m_filters.limit));
    return events;
}

} // namespace

Result<std::vector<AuditFacet>> auditFacets(SqlConnection &connection, int64_t fromMs, int64_t toMs)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        "WITH counts AS (SELECT term, sum(events) AS events FROM audit_daily WHERE day BETWEEN ? AND ? GROUP BY term), "
        "ranked AS (SELECT kind, value, events, row_number() OVER (PARTITION BY kind ORDER BY events DESC, value) AS place "
        "FROM counts JOIN audit_terms ON id = term WHERE events > 0 AND kind <> 'unlisted') "
        "SELECT kind, value, events FROM ranked WHERE place <= 20 ORDER BY kind, place"));
    query.addBindValue(qint64{fromMs / dayMs});
    query.addBindValue(toMs > 0 ? qint64{(toMs - 1) / dayMs} : std::numeric_limits<qint64>::max());
    if (!query.exec()) {
        failed(query, "audit facets");
        return storageError();
    }
    std::vector<AuditFacet> facets;
    while (query.next())
        facets.push_back({query.value(0).toString().toStdString(), query.value(1).toString().toStdString(), query.value(2).toLongLong()});
    return facets;
}

Result<std::vector<AuditEvent>> searchAudit(SqlConnection &connection, const AuditQuery &filters)
{
    Search search(connection, filters);
    if (const Outcome failure = search.run())
        return *failure;
    return search.take();
}

} // namespace llmproxy
