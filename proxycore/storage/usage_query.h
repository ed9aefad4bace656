// SPDX-License-Identifier: GPL-3.0-only
// Sums over the usage that was rolled up, by one of its keys or by time. Used on the connection's thread.
#pragma once

#include "base/result.h"
#include "storage/sql_connection.h"
#include "storage/usage_counts.h"

#include <string>
#include <vector>

namespace llmproxy {

enum class UsageBy { Project, Token, Model, Provider, Time };

struct UsageQuery
{
    UsageBy by = UsageBy::Project;
    // Whole minutes; whole hours where minutes are not kept any more.
    int64_t fromMs = 0, toMs = 0;
    int64_t stepMs = 60'000; // of Time: a minute, or whole hours
    std::string projectId = {}, tokenUuid = {}, model = {}; // empty: all
};

struct UsageGroup
{
    std::string key;    // empty: not known
    int64_t timeMs = 0; // of Time: when the step begins
    UsageCounts counts;
};

// Those with any request, by key or time. A row that is read costs 0.5 us: a day of a thousand tokens 20 ms.
Result<std::vector<UsageGroup>> usageGroups(SqlConnection &connection, const UsageQuery &query);

} // namespace llmproxy
