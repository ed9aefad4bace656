// SPDX-License-Identifier: GPL-3.0-only
#include "storage/usage_query.h"

#include "base/clock.h"
#include "storage/statement.h"
#include "storage/usage_columns.h"

#include <algorithm>
#include <map>
#include <unordered_map>

// ?3: whether there is any filter.
#define USAGE_FILTERS "AND (?3 = 0 OR key IN (SELECT id FROM usage_keys WHERE (?4 = '' OR project_id = ?4) AND (?5 = '' OR token_uuid = ?5) " \
    "AND (?6 = '' OR model = ?6)))"

namespace llmproxy {

namespace {


constexpr char minutely[] = "SELECT key, minute, " USAGE_COLUMNS " FROM usage_minutely WHERE minute >= ?1 AND minute < ?2 " USAGE_FILTERS;
constexpr char hourly[] = "SELECT key, hour, " USAGE_COLUMNS " FROM usage_hourly WHERE hour >= ?1 AND hour < ?2 " USAGE_FILTERS;
constexpr char nameOfKey[] = "SELECT CASE ?1 WHEN 0 THEN project_id WHEN 1 THEN token_uuid WHEN 2 THEN model ELSE provider END FROM usage_keys WHERE id = ?2";

UsageCounts countsOf(const Statement &statement, int column)
{
    UsageCounts counts;
    for (int64_t *number : {&counts.requests, &counts.errors, &counts.denied, &counts.promptTokens, &counts.completionTokens, &counts.durationMs})
        *number = statement.integer(column++);
    for (int64_t &number : counts.latency)
        number = statement.integer(column++);
    for (int64_t &number : counts.parts)
        number = statement.integer(column++);
    counts.estimated = statement.integer(column);
    return counts;
}

// Rows are summed here and not by SQLite, which takes four times as long for sums of 38 columns.
class Sums
{
public:
    Sums(SqlConnection &connection, const UsageQuery &query) : m_connection(connection), m_query(query) {}

    // Units of the statement's table from here to before there.
    bool add(const char *text, int64_t unitMs, int64_t fromMs, int64_t toMs)
    {
        if (fromMs >= toMs)
            return true;
        const bool byTime = m_query.by == UsageBy::Time;
        Statement statement(m_connection, text);
        statement.bind(1, fromMs / unitMs);
        statement.bind(2, toMs / unitMs);
        statement.bind(3, int64_t{!m_query.projectId.empty() || !m_query.tokenUuid.empty() || !m_query.model.empty()});
        statement.bind(4, std::string_view(m_query.projectId));
        statement.bind(5, std::string_view(m_query.tokenUuid));
        statement.bind(6, std::string_view(m_query.model));
        while (statement.next()) {
            const int64_t group = byTime ? statement.integer(1) * unitMs / m_query.stepMs * m_query.stepMs : statement.integer(0);
            m_sums[group].add(countsOf(statement, 2));
        }
        return !statement.hasFailed();
    }
    Result<std::vector<UsageGroup>> take()
    {
        std::vector<UsageGroup> groups;
        if (m_query.by == UsageBy::Time) {
            for (const auto &[timeMs, counts] : m_sums)
                groups.push_back({{}, timeMs, counts});
            std::sort(groups.begin(), groups.end(), [](const UsageGroup &a, const UsageGroup &b) { return a.timeMs < b.timeMs; });
            return groups;
        }
        std::map<std::string, UsageCounts> named;
        Statement name(m_connection, nameOfKey);
        for (const auto &[key, counts] : m_sums) {
            name.bind(1, static_cast<int64_t>(m_query.by));
            name.bind(2, key);
            if (name.next())
                named[std::string(name.text(0))].add(counts);
            name.reset();
        }
        if (name.hasFailed())
            return storageError();
        for (const auto &[key, counts] : named)
            groups.push_back({key, 0, counts});
        return groups;
    }

private:
    SqlConnection &m_connection;
    const UsageQuery &m_query;
    std::unordered_map<int64_t, UsageCounts> m_sums; // by the key's id, or by time
};

} // namespace

// Hours are sixty times fewer rows than minutes, which are read at the ends only.
Result<std::vector<UsageGroup>> usageGroups(SqlConnection &connection, const UsageQuery &query)
{
    const bool onlyMinutes = query.by == UsageBy::Time && query.stepMs < hourMs;
    const int64_t firstHour = onlyMinutes ? query.toMs : std::min((query.fromMs + hourMs - 1) / hourMs * hourMs, query.toMs);
    const int64_t lastHour = std::max(query.toMs / hourMs * hourMs, firstHour);
    Sums sums(connection, query);
    if (sums.add(minutely, minuteMs, query.fromMs, firstHour) && sums.add(hourly, hourMs, firstHour, lastHour)
        && sums.add(minutely, minuteMs, lastHour, query.toMs))
        return sums.take();
    return storageError();
}

} // namespace llmproxy
