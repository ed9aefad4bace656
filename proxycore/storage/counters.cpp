// SPDX-License-Identifier: GPL-3.0-only
#include "storage/counters.h"

#include "storage/audit_rows.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

namespace {

int64_t numberOf(const AuditEvent &row, std::string_view key)
{
    const auto *detail = row.find(key);
    const auto *number = detail ? std::get_if<int64_t>(detail) : nullptr;
    return number ? *number : 0;
}

bool wasForwarded(const AuditEvent &row)
{
    const auto *detail = row.find("forwarded");
    const auto *forwarded = detail ? std::get_if<bool>(detail) : nullptr;
    return forwarded && *forwarded;
}

} // namespace

Outcome Counters::load(SqlConnection &connection)
{
    QSqlQuery query = connection.query();
    if (!query.exec(QStringLiteral("SELECT lineage, requests, last_used_ms, rate_tat_us, prompt_tokens, completion_tokens, seq "
                                   "FROM lineage_counters"))) {
        failed(query, "counters");
        return storageError();
    }
    while (query.next()) {
        Lineage &lineage = m_lineages[query.value(0).toString().toStdString()];
        Saved &saved = lineage.saved;
        saved.tally = {query.value(1).toLongLong(), query.value(4).toLongLong(), query.value(5).toLongLong()};
        saved.lastUsedMs = query.value(2).toLongLong();
        saved.rateTatUs = query.value(3).toLongLong();
        lineage.seq = query.value(6).toLongLong();
        lineage.rows = saved.tally;
        lineage.state->requests = saved.tally.requests;
        lineage.state->promptTokens = saved.tally.promptTokens;
        lineage.state->completionTokens = saved.tally.completionTokens;
        lineage.state->lastUsedMs = saved.lastUsedMs;
        lineage.state->rateTatUs = saved.rateTatUs;
        m_rowSeq = std::max(m_rowSeq, lineage.seq);
    }
    return {};
}

std::shared_ptr<LineageState> Counters::stateOf(const std::string &lineage)
{
    return m_lineages[lineage].state;
}

void Counters::addToken(const std::string &lineage)
{
    ++m_lineages[lineage].tokens;
}

void Counters::removeToken(const std::string &lineage)
{
    const auto found = m_lineages.find(lineage);
    if (found == m_lineages.end() || --found->second.tokens > 0)
        return;
    m_lineages.erase(found);
    m_dirty.erase(lineage);
}

Outcome Counters::addLaterRows(SqlConnection &connection, const Snapshot &snapshot)
{
    // A save writes every lineage that has rows up to its seq, so the highest saved seq is everybody's.
    const bool read = visitAccessRows(connection, m_rowSeq, [&](const AuditEvent &row) {
        m_rowSeq = row.seq;
        const TokenPtr token = snapshot.tokenById(std::string(row.text("token_uuid")));
        if (!token)
            return;
        const std::string id = token->record.lineage.toStdString();
        Lineage &lineage = m_lineages[id];
        if (row.seq <= lineage.seq)
            return;
        add(lineage, row, true);
        m_dirty.insert(id);
    });
    return read ? Outcome() : storageError();
}

void Counters::apply(const AuditEvent &row, const Snapshot &snapshot)
{
    if (row.action != "token.access" || row.seq <= m_rowSeq)
        return;
    m_rowSeq = row.seq;
    const TokenPtr token = snapshot.tokenById(std::string(row.text("token_uuid")));
    if (!token)
        return;
    const std::string id = token->record.lineage.toStdString();
    add(m_lineages[id], row, row.seq <= m_startSeq);
    m_dirty.insert(id);
}

void Counters::add(Lineage &lineage, const AuditEvent &row, bool alsoToState)
{
    const bool forwarded = wasForwarded(row);
    if (!forwarded)
        return;
    const bool counts = countsTowardsQuota(forwarded, numberOf(row, "upstream_status"), row.result, row.text("reason"));
    const Tally added{counts ? 1 : 0, numberOf(row, "prompt_tokens"), numberOf(row, "completion_tokens")};
    lineage.rows.requests += added.requests;
    lineage.rows.promptTokens += added.promptTokens;
    lineage.rows.completionTokens += added.completionTokens;
    if (!alsoToState)
        return;
    lineage.state->requests += added.requests;
    lineage.state->promptTokens += added.promptTokens;
    lineage.state->completionTokens += added.completionTokens;
    if (row.timestampMs > lineage.state->lastUsedMs)
        lineage.state->lastUsedMs = row.timestampMs;
}

bool Counters::saveRows(SqlConnection &connection)
{
    for (const std::string &id : m_dirty) {
        const Lineage &lineage = m_lineages[id];
        if (!save(connection, id, {lineage.rows, lineage.state->lastUsedMs, lineage.state->rateTatUs}, m_rowSeq))
            return false;
    }
    m_dirty.clear(); // settle() brings them back when the transaction fails
    return true;
}

bool Counters::saveRunning(SqlConnection &connection, int64_t lastSeq)
{
    m_rowSeq = std::max(m_rowSeq, lastSeq);
    for (const auto &[id, lineage] : m_lineages) {
        const LineageState &state = *lineage.state;
        const Saved now{{state.requests, state.promptTokens, state.completionTokens}, state.lastUsedMs, state.rateTatUs};
        if ((now != lineage.saved || m_dirty.contains(id)) && !save(connection, id, now, m_rowSeq))
            return false;
    }
    m_dirty.clear();
    return true;
}

bool Counters::save(SqlConnection &connection, const std::string &id, const Saved &now, int64_t seq)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        "INSERT INTO lineage_counters (lineage, requests, last_used_ms, rate_tat_us, prompt_tokens, completion_tokens, seq) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lineage) DO UPDATE SET requests = excluded.requests, "
        "last_used_ms = excluded.last_used_ms, rate_tat_us = excluded.rate_tat_us, prompt_tokens = excluded.prompt_tokens, "
        "completion_tokens = excluded.completion_tokens, seq = excluded.seq"));
    query.addBindValue(QString::fromStdString(id));
    for (const int64_t value : {now.tally.requests, now.lastUsedMs, now.rateTatUs, now.tally.promptTokens,
                                now.tally.completionTokens, seq})
        query.addBindValue(qint64{value});
    m_unsettled.emplace_back(id, now);
    return query.exec() || failed(query, "counters");
}

void Counters::settle(bool committed)
{
    for (const auto &[id, saved] : std::exchange(m_unsettled, {})) {
        const auto found = m_lineages.find(id);
        if (found == m_lineages.end())
            continue;
        if (committed)
            found->second.saved = saved;
        else
            m_dirty.insert(id);
    }
}

} // namespace llmproxy
