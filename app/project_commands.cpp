// SPDX-License-Identifier: GPL-3.0-only
#include "command_line.h"
#include "key_input.h"
#include "output.h"
#include "typed_names.h"

#include <QJsonArray>

namespace llmproxy {

namespace {

struct ProjectOptions
{
    Target target;
    KeyInput key;
    std::string id, state, q;
    std::optional<std::string> name, provider, baseUrl, version, environment;
    std::optional<std::vector<std::string>> models;
    bool revokeTokens = false;
    int64_t most = 0;
};
using ProjectArguments = std::shared_ptr<ProjectOptions>;

void put(QJsonObject &body, const char *name, const std::optional<std::string> &value)
{
    if (value)
        body.insert(QLatin1String(name), fromText(*value));
}

QJsonObject fieldsOf(const ProjectOptions &o)
{
    QJsonObject body;
    put(body, "name", o.name);
    put(body, "provider", o.provider);
    put(body, "environment", o.environment);
    if (o.baseUrl)
        body.insert(QLatin1String("base_url"), o.baseUrl->empty() ? QJsonValue() : QJsonValue(fromText(*o.baseUrl)));
    if (o.version)
        body.insert(QLatin1String("version_segment"), *o.version == "auto" ? QJsonValue() : QJsonValue(*o.version == "yes"));
    if (o.models) {
        QJsonArray list;
        for (const std::string &model : *o.models) {
            if (!model.empty())
                list.append(fromText(model));
        }
        body.insert(QLatin1String("allowed_models"), list);
    }
    return body;
}

// What the server changed in the input is a sentence, not a field.
int showChanged(ApiAnswer answer, const Target &target)
{
    for (const QJsonValue &one : answer.body.value(QLatin1String("notes")).toArray())
        note(withOptions(one.toString().toStdString()));
    if (!target.json)
        answer.body.remove(QLatin1String("notes"));
    return show(answer, target);
}

// Sends the fields, and the key when one was given.
int send(const CommandLine &line, ProjectOptions &o, const std::string &method, const std::string &path,
         const QJsonObject &fields, Access access = Access::Changes)
{
    if (const int code = o.key.read())
        return code;
    OpenClient opened;
    if (const int code = openClient(line.options, o.target, opened, access))
        return code;
    QByteArray body = o.key.bodyWith(fields);
    const ApiAnswer answer = opened.client->call(method, path, Query(), body);
    wipeBody(body);
    const int code = showChanged(answer, o.target);
    if (answer.field() == "api_key" && !o.key.isGiven())
        note("Give the key with --key-stdin, or a reference with --key REF.");
    return code;
}

int createProject(const CommandLine &line, ProjectOptions &o)
{
    QJsonObject body = fieldsOf(o);
    if (!o.id.empty()) {
        if (!checkId(o.id))
            return ExitUsage;
        body.insert(QLatin1String("id"), fromText(o.id));
    }
    return send(line, o, "POST", "/manage/projects", body, Access::Creates);
}

int updateProject(const CommandLine &line, ProjectOptions &o)
{
    const QJsonObject body = fieldsOf(o);
    if (body.isEmpty() && !o.key.isGiven())
        return complain(ExitUsage, "nothing to change: give at least one option (llm-proxy project update --help)");
    return checkId(o.id) ? send(line, o, "PATCH", "/manage/projects/" + o.id, body) : ExitUsage;
}

int rotateKey(const CommandLine &line, ProjectOptions &o)
{
    if (!o.key.isGiven())
        return complain(ExitUsage, "the new key is missing: give --key-stdin or --key REF");
    return checkId(o.id) ? send(line, o, "POST", "/manage/projects/" + o.id + "/rotate-key", fieldsOf(o)) : ExitUsage;
}

int switchProject(const CommandLine &line, ProjectOptions &o, bool active)
{
    QJsonObject body{{QLatin1String("is_active"), active}};
    if (o.revokeTokens)
        body.insert(QLatin1String("revoke_tokens"), true);
    return checkId(o.id) ? send(line, o, "PATCH", "/manage/projects/" + o.id, body) : ExitUsage;
}

int showProject(const CommandLine &line, ProjectOptions &o)
{
    OpenClient opened;
    if (!checkId(o.id))
        return ExitUsage;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    return show(opened.client->call("GET", "/manage/projects/" + o.id), o.target);
}

// The masked key, or that it is needed again (a damaged row, a reference that does not resolve) or on its way.
std::string keyCell(const QJsonObject &project)
{
    for (const QJsonValue &provider : project.value(QLatin1String("providers")).toArray()) {
        const QJsonObject one = provider.toObject();
        if (one.value(QLatin1String("needs_key")).toBool())
            return "needs its key again (" + cell(one, "provider") + ")";
        if (one.value(QLatin1String("key_state")) == QLatin1String("pending"))
            return "waiting for its key (" + cell(one, "provider") + ")";
    }
    return cell(project, "api_key_masked");
}

int listProjects(const CommandLine &line, ProjectOptions &o)
{
    OpenClient opened;
    if (const int code = openToRead(line.options, o.target, opened))
        return code;
    Query query;
    if (!o.state.empty())
        query.emplace_back("state", o.state);
    if (!o.q.empty())
        query.emplace_back("q", o.q);
    const ApiAnswer answer = opened.client->list("/manage/projects", query, o.most);
    if (const int code = refuseUnknownIds(*opened.client, answer, query))
        return code;
    if (const auto code = shownWithoutTable(answer, o.target))
        return *code;
    const auto rowOf = [](const QJsonObject &project) -> TextRow {
        return {cell(project, "id"), cell(project, "name"), project.value(QLatin1String("is_active")).toBool() ? "active" : "inactive",
                cell(project, "environment"), cell(project, "provider"), keyCell(project), cell(project, "created_at")};
    };
    const std::vector<TextRow> rows = rowsOf(answer.body, rowOf);
    printTable({"ID", "NAME", "STATE", "ENVIRONMENT", "PROVIDER", "KEY", "CREATED"}, rows);
    return noteIfEmpty(rows, "projects", query, answer);
}

using ProjectRun = int (*)(const CommandLine &, ProjectOptions &);

ProjectArguments addProjectAction(CommandLine &line, CLI::App *parent, const char *name, const char *meaning, CLI::App **command,
               ProjectRun run)
{
    auto options = std::make_shared<ProjectOptions>();
    *command = parent->add_subcommand(name, meaning);
    addTarget(*command, options->target);
    (*command)->callback([&line, options, run] { line.chosen = [&line, options, run] { return run(line, *options); }; });
    return options;
}

void addId(CLI::App *command, const ProjectArguments &o)
{
    command->add_option("id", o->id, "The project's id")->required()->type_name("");
}

void addFields(CLI::App *command, const ProjectArguments &o)
{
    o->key.addOptions(command);
    command->add_option("--provider", o->provider, "Provider profile; default openai")->type_name("NAME");
    command->add_option("--base-url", o->baseUrl, "Instead of the profile's address; empty: the profile's")
        ->type_name("URL");
    command->add_option("--version-segment", o->version, "Whether the server's paths have a version, like /v1/chat/completions; auto: the base URL shows it")
        ->type_name("yes|no|auto")->check(CLI::IsMember({"yes", "no", "auto"}));
    command->add_option("--environment", o->environment, "development, test or production")->type_name("NAME");
    addRepeated(command, "--allowed-model", o->models, "Glob of model names, may be repeated; empty: every model");
}

} // namespace

void addProjectCommands(CommandLine &line)
{
    CLI::App *project = line.app.add_subcommand("project", "Projects: a provider's key and who may use it");
    project->require_subcommand(1);
    CLI::App *command = nullptr;

    ProjectArguments o = addProjectAction(line, project, "list", "List projects", &command, listProjects);
    command->add_option("--state", o->state, "active or inactive")->type_name("STATE")->check(notEmpty());
    command->add_option("--q", o->q, "Part of the name")->type_name("TEXT")->check(notEmpty());
    command->add_option("--limit", o->most, "At most so many; 0: all")->type_name("N")->check(CLI::NonNegativeNumber);

    o = addProjectAction(line, project, "show", "Show a project", &command, showProject);
    addId(command, o);

    o = addProjectAction(line, project, "create", "Create a project; prints its id", &command, createProject);
    command->add_option("--name", o->name, "Name shown in lists")->required()->type_name("TEXT");
    command->add_option("--id", o->id, "Chosen id; default proj- and 12 characters")->type_name("ID");
    addFields(command, o);

    o = addProjectAction(line, project, "update", "Change a project; what is not given stays", &command, updateProject);
    addId(command, o);
    command->add_option("--name", o->name, "Name shown in lists")->type_name("TEXT");
    addFields(command, o);

    o = addProjectAction(line, project, "rotate-key", "Replace the provider's key", &command, rotateKey);
    addId(command, o);
    o->key.addOptions(command);
    command->add_option("--provider", o->provider, "Which provider's key, when there are several")->type_name("NAME");

    o = addProjectAction(line, project, "activate", "Let its tokens work again", &command,
               [](const CommandLine &l, ProjectOptions &p) { return switchProject(l, p, true); });
    addId(command, o);

    o = addProjectAction(line, project, "deactivate", "Refuse requests of its tokens", &command,
               [](const CommandLine &l, ProjectOptions &p) { return switchProject(l, p, false); });
    addId(command, o);
    command->add_flag("--revoke-tokens", o->revokeTokens, "Also revoke all of them, for good");
}

} // namespace llmproxy
