// SPDX-License-Identifier: GPL-3.0-only
#include "storage/counters.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace llmproxy {

Outcome Counters::load(SqlConnection &connection)
{
    QSqlQuery query = connection.query();
    if (!query.exec(QStringLiteral("SELECT lineage, requests, last_used_ms, rate_tat_us, prompt_tokens, completion_tokens, seq "
                                   "FROM lineage_counters"))) {
        failed(query, "counters");
        return storageError();
    }
    while (query.next()) {
        Stored &stored = m_stored[query.value(0).toString().toStdString()];
        stored.saved = {{query.value(1).toLongLong(), query.value(4).toLongLong(), query.value(5).toLongLong()},
                        query.value(2).toLongLong(), query.value(3).toLongLong()};
        stored.seq = query.value(6).toLongLong();
        m_seq = std::max(m_seq, stored.seq);
    }
    return ended(query, "counters") ? Outcome() : storageError();
}

std::shared_ptr<LineageState> Counters::stateOf(const Snapshot &snapshot, std::string_view lineage)
{
    for (const TokenPtr &token : snapshot.lineage(lineage)) {
        if (token->state)
            return token->state;
    }
    return newState(lineage);
}

std::shared_ptr<LineageState> Counters::newState(std::string_view lineage) const
{
    auto made = std::make_shared<Lineage>();
    if (m_stored.empty())
        return made;
    if (const auto found = m_stored.find(std::string(lineage)); found != m_stored.end()) {
        const Saved &saved = found->second.saved;
        made->saved = saved;
        made->seq = found->second.seq;
        made->noted = saved.tally;
        made->requests = saved.tally.requests;
        made->promptTokens = saved.tally.promptTokens;
        made->completionTokens = saved.tally.completionTokens;
        made->lastUsedMs = saved.lastUsedMs;
        made->rateTatUs = saved.rateTatUs;
    }
    return made;
}

void Counters::forget(std::string_view lineage)
{
    if (const auto found = m_dirty.find(lineage); found != m_dirty.end())
        m_dirty.erase(found);
}

Counters::Tally Counters::tallyOf(const RequestOutcome &outcome)
{
    const auto known = [](int64_t tokens) { return std::max<int64_t>(tokens, 0); };
    return {outcome.countsTowardsQuota() ? 1 : 0, known(outcome.usage.promptTokens), known(outcome.usage.completionTokens)};
}

// In the table, too: the next start would find the old seq at a lineage that had no events since.
bool Counters::lowerTo(SqlConnection &connection, int64_t newestSeq)
{
    if (m_seq <= newestSeq)
        return true;
    m_seq = newestSeq;
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral("UPDATE lineage_counters SET seq = ? WHERE seq > ?"));
    query.addBindValue(qint64{newestSeq});
    query.addBindValue(qint64{newestSeq});
    return ran(query, "counters");
}

// A save writes every lineage that has events up to its seq, so the highest saved seq is everybody's.
void Counters::addLater(const RequestOutcome &outcome, int64_t seq, const Snapshot &snapshot)
{
    if (seq <= m_seq)
        return;
    m_seq = seq;
    const TokenPtr token = snapshot.tokenById(outcome.tokenId());
    if (!token || !outcome.forwarded)
        return;
    Lineage &lineage = lineageOf(*token);
    const Tally added = tallyOf(outcome);
    lineage.noted += added;
    lineage.requests += added.requests;
    lineage.promptTokens += added.promptTokens;
    lineage.completionTokens += added.completionTokens;
    if (outcome.endedMs > lineage.lastUsedMs)
        lineage.lastUsedMs = outcome.endedMs;
    m_dirty.emplace(token->lineage(), token);
}

void Counters::note(const RequestOutcome &outcome, int64_t seq)
{
    const std::lock_guard guard(m_noteLock);
    m_notedSeq = std::max(m_notedSeq, seq);
    if (outcome.forwarded)
        m_noted[std::string(outcome.tokenId())] += tallyOf(outcome);
}

bool Counters::gather(const Snapshot &snapshot)
{
    std::unordered_map<std::string, Tally> noted;
    {
        const std::lock_guard guard(m_noteLock);
        noted.swap(m_noted);
        m_seq = std::max(m_seq, m_notedSeq);
    }
    for (const auto &[id, tally] : noted) {
        const TokenPtr token = snapshot.tokenById(id);
        if (!token)
            continue;
        lineageOf(*token).noted += tally;
        m_dirty.emplace(token->lineage(), token);
    }
    return !m_dirty.empty();
}

bool Counters::saveNoted(SqlConnection &connection)
{
    for (const auto &[id, token] : m_dirty) {
        const Lineage &lineage = lineageOf(*token);
        if (!save(connection, token, {lineage.noted, lineage.lastUsedMs, lineage.rateTatUs}, m_seq))
            return false;
    }
    m_dirty.clear(); // settle() brings them back when the transaction fails
    return true;
}

bool Counters::saveRunning(SqlConnection &connection, const Snapshot &snapshot, int64_t lastSeq)
{
    m_seq = std::max(m_seq, lastSeq);
    std::unordered_set<const LineageState *> done; // of those with several tokens
    bool good = true;
    snapshot.eachToken([&](const TokenPtr &token) {
        const Lineage &lineage = lineageOf(*token);
        const Saved now{{lineage.requests, lineage.promptTokens, lineage.completionTokens}, lineage.lastUsedMs, lineage.rateTatUs};
        if (good && (now != lineage.saved || m_dirty.contains(token->lineage())) && done.insert(&lineage).second)
            good = save(connection, token, now, m_seq);
    });
    if (good)
        m_dirty.clear();
    return good;
}

bool Counters::save(SqlConnection &connection, const TokenPtr &token, const Saved &now, int64_t seq)
{
    QSqlQuery query = connection.query();
    query.prepare(QStringLiteral(
        "INSERT INTO lineage_counters (lineage, requests, last_used_ms, rate_tat_us, prompt_tokens, completion_tokens, seq) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lineage) DO UPDATE SET requests = excluded.requests, "
        "last_used_ms = excluded.last_used_ms, rate_tat_us = excluded.rate_tat_us, prompt_tokens = excluded.prompt_tokens, "
        "completion_tokens = excluded.completion_tokens, seq = excluded.seq"));
    query.addBindValue(QString::fromUtf8(token->lineage().data(), static_cast<qsizetype>(token->lineage().size())));
    for (const int64_t value : {now.tally.requests, now.lastUsedMs, now.rateTatUs, now.tally.promptTokens,
                                now.tally.completionTokens, seq})
        query.addBindValue(qint64{value});
    m_unsettled.emplace_back(token, now);
    return ran(query, "counters");
}

void Counters::settle(bool committed)
{
    for (const auto &[token, saved] : std::exchange(m_unsettled, {})) {
        if (committed)
            lineageOf(*token).saved = saved;
        else
            m_dirty.emplace(token->lineage(), token);
    }
}

} // namespace llmproxy
