// SPDX-License-Identifier: GPL-3.0-only
#include "audit_export.h"
#include "audit_filters.h"
#include "audit_verify.h"
#include "base/clock.h"
#include "command_line.h"
#include "output.h"
#include "time_input.h"

#include <QJsonArray>

#include <algorithm>
#include <tuple>

namespace llmproxy {

namespace {

struct AuditOptions
{
    Target target;
    std::string seq;
    int64_t most = 50;
    std::string olderThan, note;
    Query filters;
};
using AuditArguments = std::shared_ptr<AuditOptions>;

int listEvents(const CommandLine &line, const AuditOptions &o)
{
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    const ApiAnswer answer = opened.client->list("/manage/audit", o.filters, o.most);
    if (const int code = refuseUnknownIds(*opened.client, answer, o.filters))
        return code;
    if (const auto code = shownWithoutTable(answer, o.target))
        return *code;
    const auto rowOf = [](const QJsonObject &event) -> TextRow {
        const QJsonObject details = event.value(QLatin1String("details")).toObject();
        return {cell(event, "seq"), cell(event, "timestamp"), cell(event, "action"), cell(event, "actor"),
                cell(event, "result"), cell(event, "project_id"), cell(details, "token_id"), cell(details, "reason")};
    };
    const std::vector<TextRow> rows = rowsOf(answer.body, rowOf);
    printTable({"SEQ", "TIME", "ACTION", "ACTOR", "RESULT", "PROJECT", "TOKEN", "REASON"}, rows);
    return noteIfEmpty(rows, "audit events", o.filters, answer);
}

bool isSeq(const std::string &text)
{
    const bool isNumber = !text.empty() && text.size() <= 18 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return isNumber && text.front() != '0';
}

int showEvent(const CommandLine &line, const AuditOptions &o)
{
    if (!isSeq(o.seq))
        return complain(ExitUsage, "an event's seq is a whole number from 1; llm-proxy audit list shows them in the column SEQ");
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    return show(opened.client->call("GET", "/manage/audit/" + o.seq), o.target);
}

int recordReview(const CommandLine &line, const AuditOptions &o)
{
    OpenClient opened;
    if (const int code = openClient(line.options, o.target, opened))
        return code;
    const QJsonObject body = o.note.empty() ? QJsonObject() : QJsonObject{{QStringLiteral("note"), fromText(o.note)}};
    return show(opened.client->call("POST", "/manage/audit/review", body), o.target);
}

int cleanUp(const CommandLine &line, const AuditOptions &o)
{
    const std::string age = ageOf(o.olderThan, Clock::wallMs());
    if (age.empty())
        return complain(ExitUsage, "--older-than: not an age or a time in the past; write for example 90d, yesterday or 2026-01-31T12:00:00Z");
    OpenClient opened;
    if (const int code = openClient(line.options, o.target, opened))
        return code;
    return show(opened.client->call("POST", "/manage/audit/cleanup", QJsonObject{{QStringLiteral("older_than"), fromText(age)}}), o.target);
}

} // namespace

void addFilter(CLI::App *command, Query &filters, const char *flag, const char *parameter, const char *meaning)
{
    const auto keep = [&filters, parameter](const std::string &value) { filters.emplace_back(parameter, value); };
    command->add_option_function<std::string>(flag, keep, meaning)->type_name("TEXT")->check(notEmpty());
}

void addAuditTimes(CLI::App *command, Query &filters)
{
    for (const auto &[flag, parameter, meaning] : {std::tuple("--from,--since", "from", "From then on: 1h, 24h or 7d ago, yesterday, today, or RFC 3339"),
                                                   std::tuple("--to,--until", "to", "Before then, likewise")}) {
        const auto keep = [&filters, flag, parameter](const std::string &text) {
            const std::string time = timeOf(text, Clock::wallMs());
            if (time.empty())
                throw CLI::ValidationError(flag, timeForms);
            filters.emplace_back(parameter, time);
        };
        command->add_option_function<std::string>(flag, keep, meaning)->type_name("TIME")->check(notEmpty());
    }
}

void addAuditFilters(CLI::App *command, Query &filters)
{
    addFilter(command, filters, "--action", "action", "Exact, or a prefix such as token.");
    addFilter(command, filters, "--actor", "actor", "management, client, console, cli or system");
    addFilter(command, filters, "--result", "result", "success, failure, denied or error");
    addFilter(command, filters, "--project", "project_id", "Project id");
    addFilter(command, filters, "--token", "token_id", "Token id, or its masked form");
    addFilter(command, filters, "--request-id", "request_id", "Request id");
    addFilter(command, filters, "--client-ip", "client_ip", "Client address");
    addFilter(command, filters, "--status", "status", "Status that the client got");
    addFilter(command, filters, "--model", "model", "Model");
    addFilter(command, filters, "--text", "q", "Part of a value, such as an endpoint or user agent");
    addAuditTimes(command, filters);
}

void addAuditCommands(CommandLine &line)
{
    CLI::App *audit = line.app.add_subcommand("audit", "The audit log: who did what, and how it ended");
    audit->require_subcommand(1);

    auto o = std::make_shared<AuditOptions>();
    CLI::App *list = audit->add_subcommand("list", "List events, newest first unless --sort says otherwise");
    addTarget(list, o->target);
    addAuditFilters(list, o->filters);
    addFilter(list, o->filters, "--sort", "sort", "created_at: oldest first");
    list->add_option("--limit", o->most, "At most so many; 0: all [50]")->type_name("N")->check(CLI::NonNegativeNumber);
    list->callback([&line, o] { line.chosen = [&line, o] { return listEvents(line, *o); }; });

    o = std::make_shared<AuditOptions>();
    CLI::App *show = audit->add_subcommand("show", "Show an event");
    addTarget(show, o->target);
    show->add_option("seq", o->seq, "The event's seq")->required()->type_name("");
    show->callback([&line, o] { line.chosen = [&line, o] { return showEvent(line, *o); }; });

    addAuditVerify(audit, line);
    addAuditDecrypt(audit, line);
    addAuditExport(audit, line);

    o = std::make_shared<AuditOptions>();
    CLI::App *review = audit->add_subcommand("review", "Record that you looked at the log up to now");
    addTarget(review, o->target);
    review->add_option("--note", o->note, "What you have to say about it")->type_name("TEXT");
    review->callback([&line, o] { line.chosen = [&line, o] { return recordReview(line, *o); }; });

    o = std::make_shared<AuditOptions>();
    CLI::App *cleanup = audit->add_subcommand("cleanup", "Remove old audit rows; the server does it hourly itself, at AUDIT_RETENTION");
    addTarget(cleanup, o->target);
    cleanup->add_option("--older-than", o->olderThan, "Age, such as 90d, or a time: yesterday, or RFC 3339")->required()->type_name("TIME");
    cleanup->callback([&line, o] { line.chosen = [&line, o] { return cleanUp(line, *o); }; });
}

} // namespace llmproxy
