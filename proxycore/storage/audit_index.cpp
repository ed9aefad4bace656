// SPDX-License-Identifier: GPL-3.0-only
#include "storage/audit_index.h"

#include "base/clock.h"
#include "base/log.h"
#include "storage/request_index.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

// Clients choose some of the values: more than this are not kept in memory.
constexpr size_t mostTermsKnown = 20'000;

std::string_view nameOf(size_t kind)
{
    if (kind < indexedColumns.size())
        return indexedColumns[kind];
    return kind - indexedColumns.size() < indexedDetails.size() ? indexedDetails[kind - indexedColumns.size()] : unlistedKind;
}

// As in the view audit_values.
bool isOfStranger(const AuditEvent &event)
{
    return event.action == Action::AuthFailure || (event.action == Action::TokenAccess && event.text("token_uuid").empty());
}

void bindText(sqlite3_stmt *statement, int at, std::string_view text)
{
    sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

} // namespace

AuditIndex::AuditIndex(SqlConnection &connection) : m_connection(connection), m_database(connection.handle())
{
    const auto prepare = [this](const char *text, sqlite3_stmt **statement) {
        return m_database && sqlite3_prepare_v3(m_database, text, -1, SQLITE_PREPARE_PERSISTENT, statement, nullptr) == SQLITE_OK;
    };
    prepare("SELECT id FROM audit_terms WHERE kind = ? AND value = ?", &m_findTerm)
        && prepare("INSERT INTO audit_terms (kind, value) VALUES (?, ?)", &m_addTerm)
        && prepare("INSERT INTO audit_postings (term, block, events, rows) VALUES (?, ?, ?, ?) ON CONFLICT (term, block) DO UPDATE "
                   "SET events = events + excluded.events, rows = CAST(rows || excluded.rows AS BLOB)", &m_writePosting)
        && prepare("INSERT INTO audit_blocks (block, first_ms, last_ms) VALUES (?, ?, ?) ON CONFLICT (block) DO UPDATE "
                   "SET first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)", &m_writeBlock)
        && prepare("INSERT INTO audit_request_ends (block, ends) VALUES (?, ?) ON CONFLICT (block) DO UPDATE SET ends = ends || excluded.ends", &m_writeEnds)
        && prepare("INSERT INTO audit_daily (term, day, events) VALUES (?, ?, ?) ON CONFLICT (term, day) DO UPDATE SET events = events + excluded.events", &m_writeDay);
}

AuditIndex::~AuditIndex()
{
    for (sqlite3_stmt *statement : {m_findTerm, m_addTerm, m_writePosting, m_writeBlock, m_writeEnds, m_writeDay})
        sqlite3_finalize(statement);
}

bool AuditIndex::add(const AuditEvent &event)
{
    const int64_t block = event.seq / auditBlock;
    if (const int64_t day = event.timestampMs / dayMs; day != m_day) {
        if (m_day >= 0 && !flush())
            return false;
        m_day = day;
    }
    if (!countTime(block, event.timestampMs) || !count(0, event.action.name(), event.seq) || !count(1, event.actor, event.seq) || !count(2, event.result, event.seq)
        || !count(3, event.projectId, event.seq) || !count(4, event.clientIp, event.seq))
        return false;
    if (!event.requestId.empty())
        m_requestEnds += requestEndOf(event.requestId);
    const bool isStranger = isOfStranger(event);
    if (isStranger && !count(unlisted, unlistedValue, event.seq))
        return false;
    size_t at = 0;
    for (const auto &[key, value] : event.details) {
        const size_t kind = kindOf(key, at++);
        if (kind == kinds || !isListed(kind, isStranger))
            continue;
        const auto *const text = std::get_if<std::string>(&value);
        const auto *const number = std::get_if<int64_t>(&value);
        if ((text && !count(kind, *text, event.seq)) || (number && !count(kind, std::to_string(*number), event.seq)))
            return false;
    }
    return true;
}

// Most events have the same keys in the same order, and a key lives for ever: where it is the one of the event before, it is known.
size_t AuditIndex::kindOf(std::string_view key, size_t place)
{
    Known other;
    Known &known = place < m_known.size() ? m_known[place] : other;
    if (known.key.data() == key.data() && known.key.size() == key.size())
        return known.kind;
    known.key = key;
    const auto found = std::find(indexedDetails.begin(), indexedDetails.end(), key);
    if (key == indexedColumns.back())
        known.kind = indexedColumns.size() - 1;
    else
        known.kind = found == indexedDetails.end() ? kinds : indexedColumns.size() + static_cast<size_t>(found - indexedDetails.begin());
    return known.kind;
}

bool AuditIndex::isListed(size_t kind, bool isStranger)
{
    const std::string_view name = nameOf(kind);
    return !isStranger || (name != "endpoint" && name != "user_agent");
}

bool AuditIndex::count(size_t kind, std::string_view value, int64_t seq)
{
    if (value.empty())
        return true;
    Last &last = m_last[kind];
    if (!last.term || last.value != value) {
        last.term = termOf(kind, value);
        last.value = value;
        if (!last.term)
            return false;
    }
    Term &term = *last.term;
    const int64_t block = seq / auditBlock;
    if (!term.rows.empty() && term.block != block)
        m_postings.push_back({term.id, term.block, std::exchange(term.rows, {})});
    else if (term.rows.empty())
        m_counted.push_back(&term);
    term.block = block;
    term.rows += static_cast<char>(seq % auditBlock);
    return true;
}

AuditIndex::Term *AuditIndex::termOf(size_t kind, std::string_view value)
{
    std::string key(1, static_cast<char>('a' + kind));
    key += value;
    const auto [found, isNew] = m_terms.try_emplace(std::move(key));
    if (!isNew || idOf(kind, value, &found->second.id))
        return &found->second;
    m_terms.erase(found);
    return nullptr;
}

bool AuditIndex::idOf(size_t kind, std::string_view value, int64_t *id)
{
    bindText(m_findTerm, 1, nameOf(kind));
    bindText(m_findTerm, 2, value);
    const int result = sqlite3_step(m_findTerm);
    if (result == SQLITE_ROW)
        *id = sqlite3_column_int64(m_findTerm, 0);
    sqlite3_reset(m_findTerm);
    if (result == SQLITE_ROW)
        return true;
    bindText(m_addTerm, 1, nameOf(kind));
    bindText(m_addTerm, 2, value);
    if (result != SQLITE_DONE || !run(m_addTerm))
        return false;
    *id = sqlite3_last_insert_rowid(m_database);
    return true;
}

bool AuditIndex::countTime(int64_t block, int64_t timestampMs)
{
    if (block != m_block) {
        if (m_block >= 0 && !writeBlock())
            return false;
        m_block = block;
        m_firstMs = m_lastMs = timestampMs;
    }
    m_firstMs = std::min(m_firstMs, timestampMs);
    m_lastMs = std::max(m_lastMs, timestampMs);
    return true;
}

bool AuditIndex::flush()
{
    for (const Posting &posting : std::exchange(m_postings, {})) {
        if (!writePosting(posting))
            return false;
    }
    for (Term *term : std::exchange(m_counted, {})) {
        if (!term->rows.empty() && !writePosting({term->id, term->block, std::exchange(term->rows, {})}))
            return false;
    }
    if (m_block >= 0 && (!writeBlock() || !packRequestEnds(m_connection, m_block)))
        return false;
    m_block = -1;
    if (m_terms.size() > mostTermsKnown)
        forget();
    return true;
}

void AuditIndex::forget()
{
    m_terms.clear();
    m_last = {};
    m_counted.clear();
    m_postings.clear();
    m_requestEnds.clear();
    m_block = -1;
}

bool AuditIndex::writePosting(const Posting &posting)
{
    sqlite3_bind_int64(m_writePosting, 1, posting.term);
    sqlite3_bind_int64(m_writePosting, 2, posting.block);
    const auto events = static_cast<int64_t>(posting.rows.size());
    sqlite3_bind_int64(m_writePosting, 3, events);
    sqlite3_bind_blob(m_writePosting, 4, posting.rows.data(), static_cast<int>(posting.rows.size()), SQLITE_STATIC);
    if (!run(m_writePosting))
        return false;
    sqlite3_bind_int64(m_writeDay, 1, posting.term);
    sqlite3_bind_int64(m_writeDay, 2, m_day);
    sqlite3_bind_int64(m_writeDay, 3, events);
    return run(m_writeDay);
}

bool AuditIndex::writeBlock()
{
    sqlite3_bind_int64(m_writeBlock, 1, m_block);
    sqlite3_bind_int64(m_writeBlock, 2, m_firstMs);
    sqlite3_bind_int64(m_writeBlock, 3, m_lastMs);
    if (!run(m_writeBlock))
        return false;
    if (m_requestEnds.empty())
        return true;
    sqlite3_bind_int64(m_writeEnds, 1, m_block);
    bindText(m_writeEnds, 2, m_requestEnds);
    const bool done = run(m_writeEnds);
    m_requestEnds.clear();
    return done;
}

bool AuditIndex::run(sqlite3_stmt *statement)
{
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        logError("storage_failed", {{"what", "audit index"}, {"error", sqlite3_errmsg(m_database)}});
    sqlite3_reset(statement);
    return done;
}

} // namespace llmproxy
