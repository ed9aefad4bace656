// SPDX-License-Identifier: GPL-3.0-only
// GET /manage/usage: sums over what storage rolled up, and the steps of a chart.
#include "base/clock.h"
#include "manage/resources.h"
#include "storage/database.h"
#include "storage/usage_query.h"
#include "storage/usage_rollup.h"

#include <QJsonArray>

#include <algorithm>

namespace llmproxy {

namespace {

constexpr int64_t mostSteps = 1500;

struct Request
{
    UsageQuery query;
    QString by, step; // step is empty unless by time
    int64_t limit = 200;
};

QString defaultStep(int64_t fromMs, int64_t toMs, int64_t keptMs)
{
    if (toMs - fromMs <= 3 * hourMs && fromMs >= keptMs)
        return QStringLiteral("minute");
    return toMs - fromMs <= 14 * dayMs ? QStringLiteral("hour") : QStringLiteral("day");
}

UsageBy sumOver(const QString &name)
{
    return name == QLatin1String("time") ? UsageBy::Time : name == QLatin1String("token") ? UsageBy::Token : name == QLatin1String("model") ? UsageBy::Model
        : name == QLatin1String("provider") ? UsageBy::Provider : UsageBy::Project;
}

// Outwards to whole steps; minutes that are not kept any more are whole hours.
void roundTimes(UsageQuery &query, int64_t keptMs)
{
    const auto unit = [&](int64_t ms) { return query.by == UsageBy::Time ? query.stepMs : ms < keptMs ? hourMs : minuteMs; };
    const int64_t fromUnit = unit(query.fromMs), toUnit = unit(query.toMs);
    query.fromMs = query.fromMs / fromUnit * fromUnit;
    query.toMs = (query.toMs + toUnit - 1) / toUnit * toUnit;
}

Result<Request> requestOf(const QueryInput &input)
{
    const int64_t nowMs = Clock::wallMs();
    const int64_t keptMs = nowMs - usageMinutesKept * minuteMs + hourMs; // an hour before they go
    Request request;
    UsageQuery &query = request.query;
    request.by = input.text("by", QStringLiteral("project"));
    request.limit = input.integer("limit", request.limit);
    query.by = sumOver(request.by);
    query.toMs = std::max<int64_t>(input.has("to") ? input.time("to") : nowMs, 0);
    query.fromMs = std::max<int64_t>(input.has("from") ? input.time("from") : query.toMs - dayMs, 0);
    if (query.fromMs >= query.toMs)
        return invalidField(input.has("from") ? "from" : "to", "'from' must be before 'to'.");
    if (query.by == UsageBy::Time) {
        request.step = input.text("step", defaultStep(query.fromMs, query.toMs, keptMs));
        query.stepMs = request.step == QLatin1String("minute") ? minuteMs : request.step == QLatin1String("hour") ? hourMs : dayMs;
        if (query.stepMs == minuteMs && query.fromMs < keptMs - hourMs)
            return invalidField("step", "Minutes are kept for 48 hours; ask for hours.");
    } else if (input.has("step")) {
        return invalidField("step", "'step' is for by=time only.");
    }
    roundTimes(query, keptMs);
    if (query.by == UsageBy::Time && (query.toMs - query.fromMs) / query.stepMs > mostSteps)
        return invalidField("step", "That would be more than 1500 steps; ask for longer ones, or a shorter time.");
    query.projectId = input.text("project_id").toStdString();
    query.tokenUuid = input.text("token_id").toStdString();
    query.model = input.text("model").toStdString();
    return request;
}

QJsonValue orNull(int64_t ms)
{
    return ms < 0 ? QJsonValue() : QJsonValue(qint64{ms});
}

QJsonObject countsView(const UsageCounts &counts)
{
    QJsonObject view{
            {QStringLiteral("requests"), qint64{counts.requests}},
            {QStringLiteral("errors"), qint64{counts.errors}},
            {QStringLiteral("denied"), qint64{counts.denied}},
            {QStringLiteral("prompt_tokens"), qint64{counts.promptTokens}},
            {QStringLiteral("completion_tokens"), qint64{counts.completionTokens}},
            {QStringLiteral("duration_ms_mean"), orNull(counts.meanMs())},
            {QStringLiteral("duration_ms_p50"), orNull(counts.percentileMs(0.5))},
            {QStringLiteral("estimated"), qint64{counts.estimated}},
            {QStringLiteral("duration_ms_p95"), orNull(counts.percentileMs(0.95))}};
    for (size_t part = 0; part < counts.parts.size(); ++part)
        view.insert(QLatin1String(usagePartNames[part].data(), static_cast<qsizetype>(usagePartNames[part].size())), qint64{counts.parts[part]});
    return view;
}

QJsonObject itemView(const UsageGroup &group, bool byTime)
{
    QJsonObject item = countsView(group.counts);
    item.insert(QStringLiteral("key"), group.key.empty() ? QJsonValue() : QJsonValue(QString::fromStdString(group.key)));
    item.insert(QStringLiteral("time"), byTime ? QJsonValue(QString::fromStdString(rfc3339(group.timeMs))) : QJsonValue());
    return item;
}

// Every step of the time; the groups are in its order.
std::vector<UsageGroup> filled(const UsageQuery &query, const std::vector<UsageGroup> &groups)
{
    std::vector<UsageGroup> steps;
    auto next = groups.begin();
    for (int64_t at = query.fromMs; at < query.toMs; at += query.stepMs) {
        steps.push_back({{}, at, {}});
        for (; next != groups.end() && next->timeMs <= at; ++next)
            steps.back().counts.add(next->counts);
    }
    return steps;
}

void keepMost(std::vector<UsageGroup> &groups, int64_t limit)
{
    const size_t kept = std::min(groups.size(), static_cast<size_t>(limit));
    const auto isBefore = [](const UsageGroup &a, const UsageGroup &b) {
        return a.counts.requests != b.counts.requests ? a.counts.requests > b.counts.requests : a.key < b.key;
    };
    std::partial_sort(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(kept), groups.end(), isBefore);
    groups.resize(kept);
}

} // namespace

void readUsage(const CallPtr &call)
{
    const Result<Request> request = requestOf(call->query);
    if (!request) {
        refuse(call, request.error());
        return;
    }
    auto groups = call->context().database->usage(request->query);
    if (!groups) {
        refuse(call, groups.error());
        return;
    }
    UsageCounts total;
    for (const UsageGroup &group : *groups)
        total.add(group.counts);
    const bool byTime = request->query.by == UsageBy::Time;
    if (byTime)
        *groups = filled(request->query, *groups);
    else
        keepMost(*groups, request->limit);
    QJsonArray items;
    for (const UsageGroup &group : *groups)
        items.append(itemView(group, byTime));
    noteRead(call);
    const int64_t wholeSince = call->context().database->usageWholeSince();
    answer(call, 200,
           {{QStringLiteral("from"), QString::fromStdString(rfc3339(request->query.fromMs))},
            {QStringLiteral("to"), QString::fromStdString(rfc3339(request->query.toMs))},
            {QStringLiteral("by"), request->by},
            {QStringLiteral("step"), request->step.isEmpty() ? QJsonValue() : QJsonValue(request->step)},
            {QStringLiteral("whole_since_seq"), wholeSince > 0 ? QJsonValue(qint64{wholeSince}) : QJsonValue()},
            {QStringLiteral("items"), items},
            {QStringLiteral("total"), countsView(total)}});
}

} // namespace llmproxy
