// SPDX-License-Identifier: GPL-3.0-only
#include "storage/usage_rollup.h"

#include "base/clock.h"
#include "exchange/outcome_event.h"
#include "storage/audit_rows.h"
#include "storage/rows_to.h"
#include "storage/statement.h"
#include "storage/usage_columns.h"

#include <algorithm>

// Macros, because statements are whole literals: nothing is put together at run time.
#define USAGE_VALUES "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define USAGE_ADDED \
    "requests = requests + excluded.requests, errors = errors + excluded.errors, denied = denied + excluded.denied, " \
    "prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens, " \
    "duration_ms = duration_ms + excluded.duration_ms, h0 = h0 + excluded.h0, h1 = h1 + excluded.h1, h2 = h2 + excluded.h2, " \
    "h3 = h3 + excluded.h3, h4 = h4 + excluded.h4, h5 = h5 + excluded.h5, h6 = h6 + excluded.h6, h7 = h7 + excluded.h7, h8 = h8 + excluded.h8, " \
    "h9 = h9 + excluded.h9, h10 = h10 + excluded.h10, h11 = h11 + excluded.h11, h12 = h12 + excluded.h12, h13 = h13 + excluded.h13, " \
    "h14 = h14 + excluded.h14, h15 = h15 + excluded.h15, h16 = h16 + excluded.h16, h17 = h17 + excluded.h17, h18 = h18 + excluded.h18, " \
    "h19 = h19 + excluded.h19, cached_tokens = cached_tokens + excluded.cached_tokens, cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, " \
    "cache_write_1h_tokens = cache_write_1h_tokens + excluded.cache_write_1h_tokens, reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, " \
    "audio_input_tokens = audio_input_tokens + excluded.audio_input_tokens, audio_output_tokens = audio_output_tokens + excluded.audio_output_tokens, " \
    "image_input_tokens = image_input_tokens + excluded.image_input_tokens, image_output_tokens = image_output_tokens + excluded.image_output_tokens, " \
    "searches = searches + excluded.searches, seconds = seconds + excluded.seconds, pages = pages + excluded.pages, estimated = estimated + excluded.estimated"

namespace llmproxy {

namespace {

constexpr int64_t rateSeconds = 10;
// What is written costs by keys, not by events: a few at once; more when each stands for forty events, or at last after ten seconds.
constexpr size_t fewKeys = 100;
constexpr int64_t eventsPerKey = 40;
constexpr int64_t mostTicks = 10;
// While nothing can be written, and of what callers choose: more keys than this are counted without token and model.
constexpr size_t mostPending = 50'000;
constexpr size_t mostKnown = 20'000;

void bindCounts(Statement &statement, int at, const UsageCounts &counts)
{
    for (const int64_t number : {counts.requests, counts.errors, counts.denied, counts.promptTokens, counts.completionTokens, counts.durationMs})
        statement.bind(at++, number);
    for (const int64_t number : counts.latency)
        statement.bind(at++, number);
    for (const int64_t number : counts.parts)
        statement.bind(at++, number);
    statement.bind(at, counts.estimated);
}

} // namespace

Outcome UsageRollup::load(SqlConnection &connection)
{
    const std::lock_guard guard(m_lock);
    Statement seq(connection, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'usage_seq'");
    if (seq.next())
        m_seq = seq.integer(0);
    seq.reset();
    Statement since(connection, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'usage_whole_since_seq'");
    if (since.next())
        m_wholeSince = since.integer(0);
    since.reset();
    Statement totals(connection, "SELECT minute, requests, errors, denied, prompt_tokens, completion_tokens FROM usage_totals WHERE minute > ?");
    totals.bind(1, Clock::wallMs() / minuteMs - static_cast<int64_t>(daysMinutes));
    while (totals.next()) {
        if (Minute *const minute = minuteOf(totals.integer(0))) {
            minute->requests = totals.integer(1);
            minute->errors = totals.integer(2);
            minute->denied = totals.integer(3);
            minute->promptTokens = totals.integer(4);
            minute->completionTokens = totals.integer(5);
        }
    }
    if (seq.hasFailed() || since.hasFailed() || totals.hasFailed())
        return storageError();
    return visitAccessRows(connection, m_seq, [this](const AuditEvent &event) { addLocked(outcomeOf(event), event.seq); }) ? Outcome() : storageError();
}

bool UsageRollup::lowerTo(SqlConnection &connection, int64_t newestSeq)
{
    {
        const std::lock_guard guard(m_lock);
        if (m_seq <= newestSeq)
            return true;
        m_seq = newestSeq;
    }
    return writeMeta(connection, "usage_seq", std::to_string(newestSeq));
}

bool UsageRollup::noteWholeSince(SqlConnection &connection, int64_t seq)
{
    {
        const std::lock_guard guard(m_lock);
        if (m_wholeSince > 0)
            return true;
        m_wholeSince = seq;
    }
    return writeMeta(connection, "usage_whole_since_seq", std::to_string(seq));
}

int64_t UsageRollup::wholeSince() const
{
    const std::lock_guard guard(m_lock);
    return m_wholeSince;
}

void UsageRollup::add(const RequestOutcome &outcome, int64_t seq)
{
    const std::lock_guard guard(m_lock);
    addLocked(outcome, seq);
}

void UsageRollup::addLocked(const RequestOutcome &outcome, int64_t seq)
{
    if (seq > 0) {
        if (seq <= m_seq)
            return;
        m_seq = seq;
    }
    if (outcome.isSummary) // of an earlier run's refusals, which were counted one by one
        return;
    const auto known = [](int64_t tokens) { return std::max<int64_t>(tokens, 0); };
    UsageCounts one;
    one.requests = 1;
    one.errors = outcome.result == OutcomeResult::Error;
    one.denied = outcome.result == OutcomeResult::Denied || outcome.result == OutcomeResult::Failure;
    one.promptTokens = known(outcome.usage.promptTokens);
    one.completionTokens = known(outcome.usage.completionTokens);
    for (size_t part = 0; part < one.parts.size(); ++part)
        one.parts[part] = known(outcome.usage.parts[part]);
    one.estimated = outcome.usage.estimated;
    if (outcome.forwarded)
        one.addDuration(outcome.durationMs);
    countsOf(keyOf(outcome)).add(one);
    ++m_pendingEvents;
    addToday(outcome.endedMs, one);
}

// Keys are kept for a long time, so nobody makes them who is not served: strangers have one, and what was refused names no model.
UsageRollup::Key<std::string_view> UsageRollup::keyOf(const RequestOutcome &outcome)
{
    const int64_t minute = outcome.endedMs / minuteMs;
    if (outcome.tokenId().empty())
        return {minute, {}, {}, {}, {}};
    const bool isRefused = outcome.result == OutcomeResult::Denied || outcome.result == OutcomeResult::Failure;
    return {minute, outcome.tokenId(), isRefused && !outcome.model.empty() ? usageOfRefusedModels : std::string_view(outcome.model), outcome.provider, outcome.projectId()};
}

UsageCounts &UsageRollup::countsOf(const Key<std::string_view> &key)
{
    auto found = m_pending.find(key);
    if (found != m_pending.end())
        return found->second;
    const bool full = m_pending.size() >= mostPending;
    return m_pending[{key.minute, std::string(full ? std::string_view() : key.token), std::string(full ? std::string_view() : key.model),
                      std::string(key.provider), std::string(key.project)}];
}

// Null: older than a day.
UsageRollup::Minute *UsageRollup::minuteOf(int64_t minute)
{
    Minute &found = m_day[static_cast<size_t>(minute) % daysMinutes];
    if (found.minute < minute) {
        found = {};
        found.minute = minute;
    }
    return found.minute == minute ? &found : nullptr;
}

void UsageRollup::addToday(int64_t timestampMs, const UsageCounts &counts)
{
    if (Minute *const minute = minuteOf(timestampMs / minuteMs)) {
        minute->requests += counts.requests;
        minute->errors += counts.errors;
        minute->denied += counts.denied;
        minute->promptTokens += counts.promptTokens;
        minute->completionTokens += counts.completionTokens;
    }
    Second &second = m_seconds[static_cast<size_t>(timestampMs / 1000) % seconds];
    if (second.second < timestampMs / 1000)
        second = {timestampMs / 1000, 0};
    if (second.second == timestampMs / 1000)
        second.requests += counts.requests;
}

UsageNow UsageRollup::now() const
{
    const int64_t nowMs = Clock::wallMs();
    const std::lock_guard guard(m_lock);
    UsageNow sum;
    for (const Minute &minute : m_day) {
        if (minute.minute <= nowMs / minuteMs - static_cast<int64_t>(daysMinutes) || minute.minute > nowMs / minuteMs)
            continue;
        sum.requests += minute.requests;
        sum.errors += minute.errors;
        sum.denied += minute.denied;
        sum.promptTokens += minute.promptTokens;
        sum.completionTokens += minute.completionTokens;
    }
    int64_t requests = 0;
    for (const Second &second : m_seconds) {
        if (second.second >= nowMs / 1000 - rateSeconds && second.second < nowMs / 1000)
            requests += second.requests;
    }
    sum.requestsPerSecond = static_cast<double>(requests) / static_cast<double>(rateSeconds);
    return sum;
}

int64_t UsageRollup::lastSeq() const
{
    const std::lock_guard guard(m_lock);
    return m_seq;
}

bool UsageRollup::isDue()
{
    const std::lock_guard guard(m_lock);
    if (m_pending.empty())
        return false;
    const bool due = m_pending.size() <= fewKeys || m_pendingEvents >= eventsPerKey * static_cast<int64_t>(m_pending.size()) || ++m_pendingTicks >= mostTicks;
    if (due)
        m_pendingTicks = 0;
    return due;
}

bool UsageRollup::write(SqlConnection &connection)
{
    int64_t seq = 0;
    {
        const std::lock_guard guard(m_lock);
        m_writing.swap(m_pending);
        m_pendingEvents = 0;
        seq = m_seq;
    }
    Statement note(connection, "INSERT INTO meta (name, value) VALUES ('usage_seq', CAST(? AS TEXT)) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    note.bind(1, seq);
    return note.run() && writeKeys(connection) && writeTotals(connection) && removeOld(connection);
}

void UsageRollup::settle(bool committed)
{
    if (m_writing.empty())
        return;
    if (!committed) {
        m_known.clear(); // ids of keys that are not there after all
        const std::lock_guard guard(m_lock);
        for (const auto &[key, counts] : m_writing)
            m_pending[key].add(counts);
    }
    m_writing.clear();
}

bool UsageRollup::writeKeys(SqlConnection &connection)
{
    Statement minutely(connection, "INSERT INTO usage_minutely (minute, key, " USAGE_COLUMNS ") VALUES (" USAGE_VALUES ") "
                                   "ON CONFLICT (minute, key) DO UPDATE SET " USAGE_ADDED);
    Statement hourly(connection, "INSERT INTO usage_hourly (hour, key, " USAGE_COLUMNS ") VALUES (" USAGE_VALUES ") "
                                 "ON CONFLICT (hour, key) DO UPDATE SET " USAGE_ADDED);
    for (const auto &[key, counts] : m_writing) {
        const int64_t id = idOf(connection, key);
        minutely.bind(1, key.minute);
        hourly.bind(1, key.minute / 60);
        for (Statement *const statement : {&minutely, &hourly}) {
            statement->bind(2, id);
            bindCounts(*statement, 3, counts);
            if (id == 0 || !statement->run())
                return false;
        }
    }
    return true;
}

int64_t UsageRollup::idOf(SqlConnection &connection, const Key<std::string> &key)
{
    std::string name;
    for (const std::string *const part : {&key.token, &key.model, &key.provider, &key.project})
        name.append(*part).append(1, '\n');
    const int64_t hour = key.minute / 60;
    if (const auto found = m_known.find(name); found != m_known.end() && found->second.hour >= hour)
        return found->second.id;
    Statement note(connection, "INSERT INTO usage_keys (token_uuid, model, provider, project_id, last_hour) VALUES (?, ?, ?, ?, ?) "
                               "ON CONFLICT (token_uuid, model, provider, project_id) DO UPDATE SET last_hour = max(last_hour, excluded.last_hour) RETURNING id");
    int at = 0;
    for (const std::string *const part : {&key.token, &key.model, &key.provider, &key.project})
        note.bind(++at, *part);
    note.bind(++at, hour);
    const int64_t id = note.next() ? note.integer(0) : 0;
    if (m_known.size() >= mostKnown)
        m_known.clear();
    if (id > 0)
        m_known[std::move(name)] = {id, hour};
    return id;
}

bool UsageRollup::writeTotals(SqlConnection &connection)
{
    std::map<int64_t, UsageCounts> minutes;
    for (const auto &[key, counts] : m_writing)
        minutes[key.minute].add(counts);
    Statement statement(connection, "INSERT INTO usage_totals (minute, requests, errors, denied, prompt_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?, ?) "
                                    "ON CONFLICT (minute) DO UPDATE SET requests = requests + excluded.requests, errors = errors + excluded.errors, "
                                    "denied = denied + excluded.denied, prompt_tokens = prompt_tokens + excluded.prompt_tokens, "
                                    "completion_tokens = completion_tokens + excluded.completion_tokens");
    for (const auto &[minute, counts] : minutes) {
        int at = 0;
        for (const int64_t number : {minute, counts.requests, counts.errors, counts.denied, counts.promptTokens, counts.completionTokens})
            statement.bind(++at, number);
        if (!statement.run())
            return false;
    }
    return true;
}

// A little each time: what a long pause left does not hold anybody up.
bool UsageRollup::removeOld(SqlConnection &connection) const
{
    if (m_keepsOld)
        return true;
    const int64_t minute = Clock::wallMs() / minuteMs;
    const std::pair<const char *, int64_t> removals[] = {
        {"DELETE FROM usage_minutely WHERE (minute, key) IN (SELECT minute, key FROM usage_minutely WHERE minute < ? LIMIT 2000)", minute - usageMinutesKept},
        {"DELETE FROM usage_hourly WHERE (hour, key) IN (SELECT hour, key FROM usage_hourly WHERE hour < ? LIMIT 2000)", minute / 60 - usageHoursKept},
        {"DELETE FROM usage_totals WHERE minute IN (SELECT minute FROM usage_totals WHERE minute < ? LIMIT 2000)", minute - usageMinutesKept},
        {"DELETE FROM usage_keys WHERE id IN (SELECT id FROM usage_keys WHERE last_hour < ? LIMIT 2000)", minute / 60 - usageHoursKept},
    };
    return std::all_of(std::begin(removals), std::end(removals), [&](const auto &removal) {
        Statement statement(connection, removal.first);
        statement.bind(1, removal.second);
        return statement.run();
    });
}

} // namespace llmproxy
