// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"
#include "command_line.h"
#include "key_input.h"
#include "output.h"
#include "time_input.h"

#include <QJsonArray>
#include <QJsonDocument>

namespace llmproxy {

namespace {

struct TokenOptions
{
    Target target;
    std::string id, project, state, q;
    std::optional<std::string> ttl, expiresAt, grace, name, tokenNote;
    std::optional<int64_t> maxRequests, rateLimit, maxConcurrent;
    std::optional<std::vector<std::string>> models, endpoints, addresses;
    int64_t most = 0;
    bool purge = false;
};
using TokenArguments = std::shared_ptr<TokenOptions>;

void putList(QJsonObject &body, const char *name, const std::optional<std::vector<std::string>> &values)
{
    if (!values)
        return;
    QJsonArray list;
    for (const std::string &value : *values) {
        if (!value.empty())
            list.append(fromText(value));
    }
    body.insert(QLatin1String(name), list);
}

void putNumber(QJsonObject &body, const char *name, const std::optional<int64_t> &value)
{
    if (value)
        body.insert(QLatin1String(name), qint64{*value});
}

QJsonObject limitsOf(const TokenOptions &o)
{
    QJsonObject body;
    for (const auto &[name, value] : {std::pair("name", o.name), std::pair("note", o.tokenNote)}) {
        if (value)
            body.insert(QLatin1String(name), value->empty() ? QJsonValue() : QJsonValue(fromText(*value)));
    }
    if (o.expiresAt)
        body.insert(QLatin1String("expires_at"), fromText(*o.expiresAt));
    putNumber(body, "max_requests", o.maxRequests);
    putNumber(body, "rate_limit", o.rateLimit);
    putNumber(body, "max_concurrent", o.maxConcurrent);
    putList(body, "allowed_models", o.models);
    putList(body, "allowed_endpoints", o.endpoints);
    putList(body, "allowed_ips", o.addresses);
    return body;
}

// The one place that prints a token: only here, and only once.
int finishNew(const TokenOptions &o, const ApiAnswer &answer)
{
    if (const auto code = shownWithoutTable(answer, o.target))
        return *code;
    printFields({{"id", cell(answer.body, "id")},
                 {"token", cell(answer.body, "token")},
                 {"project_id", cell(answer.body, "project_id")},
                 {"expires_at", cell(answer.body, "expires_at")}});
    note("the token is not shown again");
    return ExitOk;
}

// Whole minutes for the API; -1 after a sentence.
int64_t minutesOf(const char *flag, const std::string &text)
{
    const std::optional<int64_t> ms = parseDurationMs(text);
    if (ms && *ms > 0 && *ms % 60'000 == 0)
        return *ms / 60'000;
    note(std::string(flag) + ": not a duration of whole minutes; write for example 30m, 24h or 7d");
    return -1;
}

int createToken(const CommandLine &line, TokenOptions &o)
{
    if (!checkId(o.project))
        return ExitUsage;
    QJsonObject body = limitsOf(o);
    body.insert(QLatin1String("project_id"), fromText(o.project));
    if (o.ttl) {
        const int64_t minutes = minutesOf("--ttl", *o.ttl);
        if (minutes < 0)
            return ExitUsage;
        body.insert(QLatin1String("duration_minutes"), qint64{minutes});
    }
    OpenClient opened;
    if (const int code = openClient(line.options, o.target, opened))
        return code;
    return finishNew(o, opened.client->call("POST", "/manage/tokens", body));
}

int listTokens(const CommandLine &line, TokenOptions &o)
{
    Query query;
    if (!o.project.empty()) {
        if (!checkId(o.project))
            return ExitUsage;
        query.emplace_back("project_id", o.project);
    }
    if (!o.state.empty())
        query.emplace_back("state", o.state);
    if (!o.q.empty())
        query.emplace_back("q", o.q);
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    const ApiAnswer answer = opened.client->list("/manage/tokens", query, o.most);
    if (const int code = refuseUnknownIds(*opened.client, answer, query))
        return code;
    if (const auto code = shownWithoutTable(answer, o.target))
        return *code;
    const auto rowOf = [](const QJsonObject &token) -> TextRow {
        return {cell(token, "id"), cell(token, "name"), cell(token, "project_id"), cell(token, "state"),
                cell(token, "token_masked"), cell(token, "request_count"), cell(token, "max_requests"), cell(token, "expires_at")};
    };
    const std::vector<TextRow> rows = rowsOf(answer.body, rowOf);
    printTable({"ID", "NAME", "PROJECT", "STATE", "TOKEN", "REQUESTS", "OF", "EXPIRES"}, rows);
    return noteIfEmpty(rows, "tokens", query, answer);
}

int showToken(const CommandLine &line, TokenOptions &o)
{
    OpenClient opened;
    if (!checkId(o.id))
        return ExitUsage;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    return show(opened.client->call("GET", "/manage/tokens/" + o.id), o.target);
}

int updateToken(const CommandLine &line, TokenOptions &o)
{
    const QJsonObject body = limitsOf(o);
    if (body.isEmpty())
        return complain(ExitUsage, "nothing to change: give at least one option");
    OpenClient opened;
    if (!checkId(o.id))
        return ExitUsage;
    if (const int code = openClient(line.options, o.target, opened))
        return code;
    return show(opened.client->call("PATCH", "/manage/tokens/" + o.id, body), o.target);
}

int revokeTokens(const CommandLine &line, TokenOptions &o)
{
    if (o.id.empty() == o.project.empty())
        return complain(ExitUsage, "give a token's id, or --project ID for all of its tokens");
    const std::string &named = o.id.empty() ? o.project : o.id;
    OpenClient opened;
    if (!checkId(named))
        return ExitUsage;
    if (const int code = openClient(line.options, o.target, opened))
        return code;
    if (o.project.empty())
        return show(opened.client->call("DELETE", "/manage/tokens/" + named, o.purge ? Query{{"purge", "true"}} : Query()), o.target);
    return show(opened.client->call("POST", "/manage/projects/" + named + "/tokens/revoke", QJsonObject()), o.target);
}

int refreshToken(const CommandLine &line, TokenOptions &o)
{
    QJsonObject body;
    if (o.grace)
        body.insert(QLatin1String("grace"), fromText(*o.grace == "0" ? "0s" : *o.grace));
    OpenClient opened;
    if (!checkId(o.id))
        return ExitUsage;
    if (const int code = openClient(line.options, o.target, opened))
        return code;
    return finishNew(o, opened.client->call("POST", "/manage/tokens/" + o.id + "/refresh", body));
}

int validateToken(const CommandLine &line, TokenOptions &o)
{
    Secret token;
    if (const int code = readSecretLine("access token", token))
        return code;
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    QByteArray body("{\"token\":\"");
    for (const char c : token.reveal()) {
        if (c == '"' || c == '\\')
            body.append('\\');
        body.append(c);
    }
    body.append("\"}");
    const ApiAnswer answer = opened.client->call("POST", "/manage/tokens/validate", Query(), body);
    wipeBody(body);
    const int code = show(answer, o.target);
    return code == ExitOk && !answer.body.value(QLatin1String("valid")).toBool() ? ExitFailed : code;
}

using TokenRun = int (*)(const CommandLine &, TokenOptions &);

TokenArguments addTokenAction(CommandLine &line, CLI::App *parent, const char *name, const char *meaning, CLI::App **command,
               TokenRun run)
{
    auto options = std::make_shared<TokenOptions>();
    *command = parent->add_subcommand(name, meaning);
    addTarget(*command, options->target);
    (*command)->callback([&line, options, run] { line.chosen = [&line, options, run] { return run(line, *options); }; });
    return options;
}

void addId(CLI::App *command, const TokenArguments &o, bool required = true)
{
    command->add_option("id", o->id, "The token's id, not the token itself")->required(required)->type_name("");
}

void addLimits(CLI::App *command, const TokenArguments &o)
{
    command->add_option("--name", o->name, "Name shown in lists")->type_name("TEXT");
    command->add_option("--note", o->tokenNote, "A remark")->type_name("TEXT");
    const auto keepExpiry = [o](const std::string &text) {
        o->expiresAt = timeOf(text, Clock::wallMs(), TimeSense::Future);
        if (o->expiresAt->empty())
            throw CLI::ValidationError("--expires-at", timeForms);
    };
    command->add_option_function<std::string>("--expires-at,--expires", keepExpiry, "When it expires: 24h or 7d from now, or RFC 3339")->type_name("TIME");
    command->add_option("--max-requests", o->maxRequests, "Requests in all; 0: no limit")->type_name("N");
    command->add_option("--rate-limit", o->rateLimit, "Requests a minute; 0: no limit")->type_name("N");
    command->add_option("--max-concurrent", o->maxConcurrent, "Requests at the same time; 0: no limit")
        ->type_name("N");
    addRepeated(command, "--allowed-model", o->models, "Glob of model names, may be repeated; empty: every model");
    addRepeated(command, "--allowed-endpoint", o->endpoints, "Glob of paths, may be repeated; empty: every path");
    addRepeated(command, "--allowed-ip", o->addresses, "Address or network, may be repeated; empty: every one");
}

} // namespace

void addTokenCommands(CommandLine &line)
{
    CLI::App *token = line.app.add_subcommand("token", "Access tokens: what clients use instead of the key");
    token->require_subcommand(1);
    CLI::App *command = nullptr;

    TokenArguments o = addTokenAction(line, token, "list", "List tokens", &command, listTokens);
    command->add_option("--project", o->project, "Only this project's")->type_name("ID")->check(notEmpty());
    command->add_option("--state", o->state, "active, grace, expired, revoked or live")->type_name("STATE")->check(notEmpty());
    command->add_option("--q", o->q, "Part of the name")->type_name("TEXT")->check(notEmpty());
    command->add_option("--limit", o->most, "At most so many; 0: all")->type_name("N")->check(CLI::NonNegativeNumber);

    o = addTokenAction(line, token, "show", "Show a token, without its secret", &command, showToken);
    addId(command, o);

    o = addTokenAction(line, token, "create", "Create a token; prints its id and, once, the token", &command, createToken);
    command->add_option("--project", o->project, "Its project")->required()->type_name("ID");
    auto *ttl = command->add_option("--ttl", o->ttl, "Lifetime, e.g. 30m, 24h, 7d")->type_name("TIME");
    addLimits(command, o);
    ttl->excludes("--expires-at");

    o = addTokenAction(line, token, "update", "Change name, note, limits or expiry; what is not given stays", &command,
               updateToken);
    addId(command, o);
    addLimits(command, o);

    o = addTokenAction(line, token, "revoke", "Revoke a token, or all of a project, at once and for good", &command,
               revokeTokens);
    addId(command, o, false);
    auto *ofProject = command->add_option("--project", o->project, "All tokens of this project")->type_name("ID")->check(notEmpty());
    command->add_flag("--purge", o->purge, "Remove a token that is revoked or expired already from the lists")->excludes(ofProject);

    o = addTokenAction(line, token, "refresh", "Issue a successor; prints its id and, once, the token", &command,
               refreshToken);
    addId(command, o);
    command->add_option("--grace", o->grace, "How long the old one stays valid, e.g. 10m; 0: not at all")
        ->type_name("TIME");

    addTokenAction(line, token, "validate", "Say whether a token, read from standard input, would be accepted", &command,
           validateToken);
}

} // namespace llmproxy
