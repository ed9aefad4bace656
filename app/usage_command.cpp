// SPDX-License-Identifier: GPL-3.0-only
#include "audit_filters.h"
#include "command_line.h"
#include "output.h"

namespace llmproxy {

namespace {

struct UsageOptions
{
    Target target;
    Query query;
    std::string by = "project";
};

TextRow rowOf(const std::string &name, const QJsonObject &counts)
{
    TextRow row{name};
    for (const char *key : {"requests", "errors", "denied", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "duration_ms_mean", "duration_ms_p50", "duration_ms_p95"})
        row.push_back(cell(counts, key));
    return row;
}

int showUsage(const CommandLine &line, const UsageOptions &o)
{
    Query query = o.query;
    query.emplace_back("by", o.by);
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    const ApiAnswer answer = opened.client->call("GET", "/manage/usage", query);
    if (const int code = refuseUnknownIds(*opened.client, answer, o.query))
        return code;
    if (const auto code = shownWithoutTable(answer, o.target))
        return *code;
    std::vector<TextRow> rows = rowsOf(answer.body, [&o](const QJsonObject &item) { return rowOf(cell(item, o.by == "time" ? "time" : "key"), item); });
    if (rows.empty())
        note("there were no requests in this time, or none match the filter");
    rows.push_back(rowOf("total", answer.body.value(QLatin1String("total")).toObject()));
    printTable({o.by == "time" ? "TIME" : "KEY", "REQUESTS", "ERRORS", "DENIED", "PROMPT", "COMPLETION", "CACHED", "REASONING", "MEAN MS", "P50 MS", "P95 MS"}, rows);
    note("from " + cell(answer.body, "from") + " to " + cell(answer.body, "to"));
    return ExitOk;
}

} // namespace

void addUsageCommand(CommandLine &line)
{
    auto o = std::make_shared<UsageOptions>();
    CLI::App *usage = line.app.add_subcommand("usage", "How much was used in the last 24 hours, or another time");
    addTarget(usage, o->target);
    usage->add_option("--by", o->by, "project, token, model, provider or time [project]")
        ->type_name("TEXT")->check(CLI::IsMember({"project", "token", "model", "provider", "time"}));
    addAuditTimes(usage, o->query);
    addFilter(usage, o->query, "--step", "step", "With --by time: minute, hour or day");
    addFilter(usage, o->query, "--project", "project_id", "Project id");
    addFilter(usage, o->query, "--token", "token_id", "Token id");
    addFilter(usage, o->query, "--model", "model", "Model");
    addFilter(usage, o->query, "--limit", "limit", "At most so many, those with the most requests [200]");
    usage->callback([&line, o] { line.chosen = [&line, o] { return showUsage(line, *o); }; });
}

} // namespace llmproxy
