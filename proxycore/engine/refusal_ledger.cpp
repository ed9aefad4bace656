// SPDX-License-Identifier: GPL-3.0-only
#include "engine/refusal_ledger.h"

#include "base/clock.h"

#include <algorithm>
#include <utility>

namespace llmproxy {

bool RefusalLedger::add(const Refused &refused, int64_t nowMs, std::vector<CountedRefusals> *counted)
{
    endMinute(nowMs, counted);
    return refused.token ? addToken(refused, nowMs, counted) : addStranger(refused, nowMs, counted);
}

bool RefusalLedger::addStranger(const Refused &refused, int64_t nowMs, std::vector<CountedRefusals> *counted)
{
    const IpAddress place = refused.address.network();
    if (!refused.isOverLimit && m_lines < linesOfMinute && m_linesToday < linesOfDay) {
        AddressMinute &address = m_addresses[place];
        int64_t &lines = refused.kind == RefusedKind::Preflight ? address.preflights : address.lines;
        if (lines < linesOfAddress) {
            ++lines;
            ++m_lines;
            ++m_linesToday;
            return true;
        }
    }
    count(tallyOf(refused, place), refused, nowMs, mostPlaces, counted);
    return false;
}

// The address's own, while there is one to be had.
RefusalLedger::Tally &RefusalLedger::tallyOf(const Refused &refused, const IpAddress &place)
{
    const auto kind = static_cast<size_t>(refused.kind);
    const auto known = m_addresses.find(place);
    if (known != m_addresses.end() && known->second.tallies[kind])
        return *known->second.tallies[kind];
    const bool usedItsLines = known != m_addresses.end() && std::max(known->second.lines, known->second.preflights) >= linesOfAddress;
    if ((!usedItsLines && !refused.isOverLimit) || m_counts >= countsOfMinute || m_countsToday >= countsOfDay) {
        m_all[kind].waiting.isOfAll = true;
        return m_all[kind];
    }
    ++m_counts;
    ++m_countsToday;
    auto &own = m_addresses[place].tallies[kind];
    own = std::make_unique<Tally>();
    return *own;
}

bool RefusalLedger::addToken(const Refused &refused, int64_t nowMs, std::vector<CountedRefusals> *counted)
{
    auto found = m_tokens.find(std::string(refused.token->id()));
    if (found == m_tokens.end()) {
        if (m_tokens.size() >= mostTokens)
            return true;
        found = m_tokens.emplace(refused.token->id(), TokenMinute()).first;
    }
    TokenMinute &token = found->second;
    if (token.lines < (refused.isTokenValid ? linesOfValid : linesOfInvalid)) {
        ++token.lines;
        return true;
    }
    if (!token.tally)
        token.tally = std::make_unique<Tally>();
    token.tally->waiting.token = refused.token;
    token.tally->waiting.isTokenValid = refused.isTokenValid;
    count(*token.tally, refused, nowMs, mostPlacesOfToken, counted);
    return false;
}

void RefusalLedger::count(Tally &tally, const Refused &refused, int64_t nowMs, size_t mostPlacesKept, std::vector<CountedRefusals> *counted)
{
    tally.waiting.kind = refused.kind;
    tally.waiting.add(refused.address.network(), refused.reason, nowMs, mostPlacesKept);
    if (!std::exchange(tally.isBegun, true))
        end(&tally, counted);
}

void RefusalLedger::end(Tally *tally, std::vector<CountedRefusals> *counted)
{
    if (tally && tally->waiting.count > 0)
        counted->push_back(std::exchange(tally->waiting, {}));
}

void RefusalLedger::endMinute(int64_t nowMs, std::vector<CountedRefusals> *counted)
{
    const int64_t minute = nowMs / minuteMs;
    if (minute == m_minute)
        return;
    endAll(counted);
    m_minute = minute;
    m_lines = m_counts = 0;
    if (const int64_t day = nowMs / dayMs; day != m_day) {
        m_day = day;
        m_linesToday = m_countsToday = 0;
    }
}

void RefusalLedger::endAll(std::vector<CountedRefusals> *counted)
{
    for (auto &[place, address] : m_addresses) {
        for (const auto &tally : address.tallies)
            end(tally.get(), counted);
    }
    for (auto &[id, token] : m_tokens)
        end(token.tally.get(), counted);
    for (Tally &tally : m_all)
        end(&tally, counted);
    m_addresses.clear();
    m_tokens.clear();
    m_all = {};
}

size_t RefusalLedger::size() const
{
    size_t kept = m_addresses.size() + m_tokens.size();
    for (const Tally &tally : m_all)
        kept += tally.waiting.places.size();
    for (const auto &[id, token] : m_tokens)
        kept += token.tally ? token.tally->waiting.places.size() : 0;
    return kept;
}

} // namespace llmproxy
