// SPDX-License-Identifier: GPL-3.0-only
// llm-proxy run: a token for one command, for as long as that runs.
#include "base/absolute_path.h"
#include "base/clock.h"
#include "base/log.h"
#include "child_process.h"
#include "command_line.h"
#include "end_guard.h"
#include "engine/engine.h"
#include "isolation.h"
#include "output.h"
#include "private_listener.h"
#include "process.h"
#include "run_expiry.h"
#include "run_receipt.h"

#include <QJsonArray>
#include <unistd.h>

namespace llmproxy {

namespace {

struct RunOptions
{
    Target target;
    std::string project;
    std::string ttl = "2h";
    std::optional<std::vector<std::string>> models;
    IsolationOptions isolation;
};

// Of the server that owns the data directory. Its certificate fits no loopback address, and the command knows no issuer of ours.
int openBesideTls(const std::string &dataDir, std::unique_ptr<PrivateListener> &listener, std::string &url)
{
    std::string problem;
    listener = PrivateListener::open(controlSocketOf(dataDir), &problem);
    if (!listener)
        return complain(ExitFailed, "the server opened no listener for the command: " + problem + ". The command was not started");
    url = listener->url();
    return ExitOk;
}

// The server to use, with its URL; with no engine running one on a free loopback port, for us alone.
int openProxy(const Target &target, const SettingSources &sources, OpenClient &opened, std::unique_ptr<PrivateListener> &listener, std::string &url)
{
    Settings &settings = opened.loaded.settings;
    const bool running = !target.url.empty() || dataDirOwner(settings.dataDir).held;
    if (running) {
        if (const int code = openLoaded(target, opened))
            return code;
        const ApiAnswer overview = opened.client->call("GET", "/manage/overview");
        if (!overview.ok())
            return complain(overview);
        url = serverUrl(target.url.empty() ? cell(overview.body, "url") : target.url);
        if (target.url.empty() && url.starts_with("https:"))
            return openBesideTls(settings.dataDir, listener, url);
        return url.empty() ? complain(ExitFailed, "the server's answer contains no URL; the server may run another version. The command was not started") : int{ExitOk};
    }
    if (const int code = checkNotEmpty(opened.loaded))
        return code;
    // One of this machine for one command: whatever the server of this folder listens with.
    settings.listen = {ListenAddress::at(*IpAddress::parse("127.0.0.1"), 0)};
    settings.httpListen.clear();
    settings.tlsCertFile.clear();
    settings.tlsKeyFile.clear();
    opened.log = std::make_unique<LogThread>();
    if (!openCommandLog(settings))
        return ExitUsage;
    EngineOptions options;
    options.inUse = settingsInUse(sources, opened.loaded);
    opened.engine = std::make_unique<Engine>(settings, options);
    if (const Outcome error = opened.engine->start()) {
        opened.engine.reset();
        return complain(*error);
    }
    opened.client = commandsClient(clientOfEngine(*opened.engine), "the data directory " + absolutePath(settings.dataDir), absolutePath(settings.dataDir));
    url = localUrl(opened.engine->listening(), false);
    return ExitOk;
}

// Variables that hold provider keys: the command must not inherit them. A server elsewhere means its own variables: of ours those
// go that a secret is called.
ApiAnswer findReferences(ManagementClient &client, bool isElsewhere, std::set<std::string> &names)
{
    const ApiAnswer answer = client.list("/manage/projects", {}, 0);
    const QJsonArray projects = answer.body.value(QLatin1String("items")).toArray();
    for (const QJsonValue &project : projects) {
        const QJsonArray providers = project.toObject().value(QLatin1String("providers")).toArray();
        for (const QJsonValue &provider : providers) {
            const std::string key = cell(provider.toObject(), "api_key_masked");
            if (key.rfind("env:", 0) == 0 && mayWithhold(key.substr(4), isElsewhere))
                names.insert(key.substr(4));
        }
    }
    return answer;
}

// A key that comes from a file or a service is on its way when the engine has just started: the command's first request should
// find it. Five seconds; then the command runs all the same, and the proxy tells it what is missing.
void waitForKeys(ManagementClient &client, const std::string &project)
{
    constexpr int attempts = 250;
    constexpr useconds_t pauseUs = 20'000;
    for (int i = 0; i < attempts; ++i) {
        const ApiAnswer answer = client.call("GET", "/manage/projects/" + project);
        const QJsonArray providers = answer.body.value(QLatin1String("providers")).toArray();
        if (std::none_of(providers.begin(), providers.end(), [](const QJsonValue &one) { return one.toObject().value(QLatin1String("key_state")) == QLatin1String("pending"); }))
            return;
        usleep(pauseUs);
    }
    note("the provider key of " + project + " is still being fetched; requests get 503 until it is there");
}

// isolation: for the event.
ApiAnswer mint(ManagementClient &client, const RunOptions &o, int64_t ttlMs, const std::string &isolation)
{
    QJsonObject body{{QLatin1String("project_id"), fromText(o.project)}, {QLatin1String("name"), QLatin1String("run")}, {QLatin1String("isolation"), fromText(isolation)}};
    if (ttlMs % 60'000 == 0)
        body.insert(QLatin1String("duration_minutes"), qint64{ttlMs / 60'000});
    else
        body.insert(QLatin1String("expires_at"), fromText(rfc3339(Clock::wallMs() + ttlMs)));
    if (o.models) {
        QJsonArray models;
        for (const std::string &model : *o.models)
            models.append(fromText(model));
        body.insert(QLatin1String("allowed_models"), models);
    }
    return client.call("POST", "/manage/tokens", body);
}

void revoke(ManagementClient &client, const std::string &id, EndGuard &guard)
{
    const ApiAnswer answer = client.call("DELETE", "/manage/tokens/" + id);
    if (!answer.ok() && answer.status != 404) {
        complain(answer);
        note("the token could not be revoked; it expires by itself, or revoke it with llm-proxy token revoke " + id);
        return;
    }
    guard.release();
    if (!answer.ok())
        return;
    for (const std::string &line : runReceipt(client, answer.body))
        note(line);
}

// While the command runs. A machine that slept past the lifetime revokes when it wakes up; the command goes on without a token.
void endLifetime(ManagementClient &client, const std::string &id)
{
    if (client.call("DELETE", "/manage/tokens/" + id).ok())
        note("the token's lifetime (--ttl) is over, and it was revoked; the command's requests are refused from now on");
}

// In the guard's process, with everything opened anew. A killed run lets go of its files one after another: the data
// directory may still look owned for a moment, by an engine that answers no more.
void revokeAlone(const SettingSources &sources, const Target &target, const std::string &id)
{
    constexpr int attempts = 100;
    constexpr useconds_t pauseUs = 100'000;
    for (int i = 0; i < attempts; ++i) {
        OpenClient opened;
        if (!loadOrComplain(sources, opened.loaded))
            return;
        if (openLoaded(target, opened) == ExitOk) {
            const ApiAnswer answer = opened.client->call("DELETE", "/manage/tokens/" + id);
            if (answer.ok() || answer.status == 404)
                return;
        }
        usleep(pauseUs);
    }
}

// The token is minted when the command's isolation stands: what it is stands in the token's event.
int startWithToken(const CommandLine &line, const RunOptions &o, int64_t ttlMs, ManagementClient &client, ChildEnvironment &child, Isolation &isolation, EndGuard &guard,
                   const std::map<std::string, std::string> &environment, const sigset_t &signals)
{
    const ApiAnswer token = mint(client, o, ttlMs, isolation.forEvent());
    if (!token.ok())
        return complain(token);
    const std::string id = cell(token.body, "id");
    if (!isId(id))
        return complain(ExitFailed, "the server's answer contains no valid token ID; the server may run another version. The command was not started");
    guard.protect(id);
    child.token = cell(token.body, "token");
    if (!isAccessToken(child.token)) {
        revoke(client, id, guard);
        return complain(ExitFailed, "the server's answer contains no access token; the server may run another version. The command was not started");
    }
    waitForKeys(client, o.project);
    int code = ExitOk;
    {
        const RunExpiry expiry(Clock::wallMs() + ttlMs, [&client, &id] { endLifetime(client, id); });
        code = isolation.run(line.rest, childVariables(environment, child), signals);
    }
    revoke(client, id, guard);
    return code;
}

int runWithToken(const CommandLine &line, const SettingSources &sources, const RunOptions &o, int64_t ttlMs, EndGuard &guard)
{
    const sigset_t signals = blockSignals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD});
    Isolation isolation; // knows what was inherited
    OpenClient opened;
    if (!loadOrComplain(sources, opened.loaded))
        return ExitUsage;
    if (const Outcome error = checkDataDir(opened.loaded.settings.dataDir, true))
        return complain(*error);
    const std::vector<OwnPlace> places = Isolation::placesHere(opened.loaded.settings, sources.environment); // an engine of our own has no TLS
    ChildEnvironment child;
    std::unique_ptr<PrivateListener> listener;
    if (const int code = openProxy(o.target, sources, opened, listener, child.url))
        return code;
    if (const ApiAnswer projects = findReferences(*opened.client, !o.target.url.empty(), child.withheld); !projects.ok())
        return complain(projects);
    if (const int code = isolation.open(o.isolation, *opened.client, child.url, places, sources.environment, child.withheld))
        return code;
    return startWithToken(line, o, ttlMs, *opened.client, child, isolation, guard, sources.environment, signals);
}

int run(const CommandLine &line, const RunOptions &o)
{
    if (line.rest.empty())
        return complain(ExitUsage, "the command is missing: llm-proxy run --project ID -- CMD ARGUMENTS");
    if (!checkId(o.project))
        return ExitUsage;
    const std::optional<int64_t> ttl = parseDurationMs(o.ttl);
    if (!ttl || *ttl <= 0)
        return complain(ExitUsage, "--ttl: not a duration; write for example 30m or 2h");
    const SettingSources sources = settingSources(line.options, EnvFilePolicy::OnlyWhenNamed, false); // the guard is made of this process
    EndGuard guard([&](const std::string &id) { revokeAlone(sources, o.target, id); });
    return runWithToken(line, sources, o, *ttl, guard);
}

} // namespace

void addRunCommand(CommandLine &line)
{
    auto o = std::make_shared<RunOptions>();
    CLI::App *command = line.app.add_subcommand(
        "run", "Run a command with a fresh token in its environment; revoke that when the command ends");
    command->add_option("--project", o->project, "The token's project")->required()->type_name("ID");
    command->add_option("--ttl", o->ttl, "Lifetime of the token at most [2h]")->type_name("TIME");
    addRepeated(command, "--model", o->models, "Glob of allowed model names, may be repeated");
    command->add_option("--url", o->target.url, "A running server, with MANAGEMENT_TOKEN; default: the data directory")
        ->type_name("URL");
    addIsolationOptions(command, o->isolation);
    command->footer("The command stands behind --: llm-proxy run --project ID -- CMD ARGUMENTS");
    command->callback([&line, o] { line.chosen = [&line, o] { return run(line, *o); }; });
}

} // namespace llmproxy
