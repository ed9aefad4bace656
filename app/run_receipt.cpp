// SPDX-License-Identifier: GPL-3.0-only
#include "run_receipt.h"

#include "audit/actions.h"
#include "base/clock.h"
#include "management_client.h"
#include "output.h"
#include "typed_names.h"

#include <QJsonArray>

#include <algorithm>
#include <map>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t mostEvents = 1000;

// Usage is written each second. Three seconds; then the receipt says what is known.
QJsonObject usageTotal(ManagementClient &client, const std::string &id, qint64 requests)
{
    constexpr int64_t patienceUs = 3'000'000;
    constexpr useconds_t pauseUs = 50'000;
    const int64_t beganUs = Clock::steadyUs();
    while (true) {
        const ApiAnswer answer = client.call("GET", "/manage/usage", {{"token_id", id}, {"by", "token"}, {"from", "2000-01-01T00:00:00Z"}});
        const QJsonObject total = answer.body.value(QLatin1String("total")).toObject();
        const QJsonValue counted = total.value(QLatin1String("requests"));
        if (!answer.ok() || !counted.isDouble() || counted.toInteger() >= requests || Clock::steadyUs() - beganUs > patienceUs)
            return total;
        usleep(pauseUs);
    }
}

// "12 prompt tokens (5 cached)": parts that are known and not 0.
std::string tokensText(const QJsonObject &token, const QJsonObject &usage, const char *all, const char *singular, const std::vector<std::pair<const char *, const char *>> &parts)
{
    std::string text = counted(cell(token, all), singular), shown;
    for (const auto &[key, word] : parts) {
        if (usage.value(QLatin1String(key)).toInteger() > 0)
            shown += (shown.empty() ? "" : ", ") + cell(usage, key) + " " + word;
    }
    return shown.empty() ? text : text + " (" + shown + ")";
}

// Refusals by reason, the most frequent first.
std::vector<std::pair<std::string, qint64>> refusals(ManagementClient &client, const std::string &id)
{
    std::map<std::string, qint64> counts;
    for (const char *result : {"denied", "failure"}) {
        const ApiAnswer answer = client.list("/manage/audit", {{"token_id", id}, {"action", std::string(nameOf(Action::TokenAccess))}, {"result", result}}, mostEvents);
        for (const QJsonValue &item : answer.body.value(QLatin1String("items")).toArray()) {
            const QJsonObject details = item.toObject().value(QLatin1String("details")).toObject();
            counts[cell(details, "reason")] += std::max<qint64>(details.value(QLatin1String("count")).toInteger(), 1);
        }
    }
    std::vector<std::pair<std::string, qint64>> sorted(counts.begin(), counts.end());
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto &one, const auto &other) { return one.second > other.second; });
    return sorted;
}

// In a person's words, where the code needs them.
std::string reasonText(const std::string &code)
{
    static const std::map<std::string, std::string> words{
        {"model_not_allowed", "the model is not allowed (model_not_allowed)"},
        {"endpoint_not_allowed", "the endpoint is not allowed (endpoint_not_allowed)"},
        {"endpoint_not_found", "no provider of the project has this path (endpoint_not_found)"},
        {"method_not_allowed", "the method is not allowed (method_not_allowed)"},
        {"expired", "the token had expired (expired)"},
        {"revoked", "the token had been revoked (revoked)"},
        {"project_inactive", "the project is not active (project_inactive)"},
        {"rate_limit_exceeded", "too many requests a minute (rate_limit_exceeded)"},
        {"request_quota_exceeded", "the token's requests are used up (request_quota_exceeded)"},
        {"too_many_concurrent", "too many requests at the same time (too_many_concurrent)"},
        {"budget_exceeded", "the budget is used up (budget_exceeded)"},
    };
    const auto found = words.find(code);
    return found == words.end() ? code : found->second;
}

} // namespace

std::vector<std::string> runReceipt(ManagementClient &client, const QJsonObject &revoked)
{
    const std::string id = cell(revoked, "id");
    const QJsonObject usage = usageTotal(client, id, revoked.value(QLatin1String("request_count")).toInteger());
    std::vector<std::string> lines{
        counted(cell(revoked, "request_count"), "request") + ", "
        + tokensText(revoked, usage, "prompt_tokens", "prompt token", {{"cached_tokens", "cached"}, {"cache_write_tokens", "written to the cache"}, {"audio_input_tokens", "audio"}, {"image_input_tokens", "image"}}) + ", "
        + tokensText(revoked, usage, "completion_tokens", "completion token", {{"reasoning_tokens", "reasoning"}, {"audio_output_tokens", "audio"}, {"image_output_tokens", "image"}})};
    for (const auto &[reason, count] : refusals(client, id))
        lines.push_back("refused: " + counted(std::to_string(count), "request") + ", " + reasonText(reason));
    return lines;
}

} // namespace llmproxy
