// SPDX-License-Identifier: GPL-3.0-only
// llm-proxy setup: writes what is missing into .env and keeps everything else.
#include "base/random.h"
#include "command_line.h"
#include "config/env_file.h"
#include "config/hidden_by_run.h"
#include "config/settings.h"
#include "engine/listen_plan.h"
#include "env_writer.h"
#include "output.h"

#include <QByteArray>
#include <QJsonArray>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace llmproxy {

namespace {

struct SetupOptions
{
    bool nonInteractive = false;
    bool gitignore = false;
    bool json = false;
};

struct Draft
{
    std::string path, text;
    std::vector<std::string> added, changed, kept;
    std::map<std::string, std::string> present; // not empty ones
};

std::string randomBase64Key()
{
    QByteArray bytes(32, '\0');
    randomBytes(bytes.data(), 32);
    const std::string text = bytes.toBase64().toStdString();
    wipe(bytes.data(), 32);
    return text;
}

void add(Draft &draft, const std::string &name, const std::string &value, const std::string &comment)
{
    draft.text = withSetting(draft.text, name, value, comment);
    draft.added.push_back(name);
}

// The answer to a question; that of an earlier run is replaced.
void answer(Draft &draft, const std::string &name, const std::string &value, const std::string &comment)
{
    const auto before = draft.present.find(name);
    if (before == draft.present.end()) {
        add(draft, name, value, comment);
    } else if (before->second != value) {
        draft.text = withReplaced(draft.text, name, value, comment);
        draft.changed.push_back(name);
        std::erase(draft.kept, name);
    }
    draft.present[name] = value;
}

std::string presentOr(const Draft &draft, const char *name, const std::string &standard)
{
    const auto present = draft.present.find(name);
    return present == draft.present.end() ? standard : present->second;
}

std::string ask(const std::string &question, const std::string &standard)
{
    std::fprintf(stderr, "%s [%s]: ", question.c_str(), standard.c_str());
    std::string answer;
    std::getline(std::cin, answer);
    return answer.empty() ? standard : answer;
}

bool agreed(const std::string &question)
{
    const std::string answer = ask(question, "yes");
    return answer[0] == 'y' || answer[0] == 'Y';
}

// ExitOk, or the code after a sentence.
int readDraft(const GlobalOptions &options, Draft &draft)
{
    draft.path = options.envFile.empty() ? ".env" : options.envFile;
    if (const std::string distrust = distrustOfFolder(draft.path, "llm-proxy setup"); !distrust.empty())
        return complain(ExitUsage, draft.path + " is not written: " + distrust);
    if (const std::string distrust = distrustOfEnvFile(draft.path); !distrust.empty())
        return complain(ExitUsage, draft.path + " is not used: " + distrust);
    if (!readWholeFile(draft.path, draft.text))
        return complain(ExitFailed, draft.path + " cannot be read");
    const EnvFile parsed = parseSharedEnvFile(draft.text, isSettingName);
    for (const std::string &warning : parsed.warnings)
        note("warning: " + draft.path + ", " + warning);
    for (const std::string &problem : parsed.problems)
        note(draft.path + ", " + problem);
    if (!parsed.problems.empty())
        return complain(ExitUsage, draft.path + " was left as it is");
    for (const EnvValue &one : parsed.values) {
        if (!one.value.empty())
            draft.present[one.name] = one.value;
    }
    for (const auto &[name, value] : draft.present)
        draft.kept.push_back(name);
    return ExitOk;
}

// A directory that has a key keeps it: another one would not open what is stored there.
bool hasOwnKey(const Draft &draft, const GlobalOptions &options)
{
    std::string folder = "./data";
    if (const auto flag = options.flags.find("DATA_DIR"); flag != options.flags.end())
        folder = flag->second;
    else if (const auto value = draft.present.find("DATA_DIR"); value != draft.present.end())
        folder = value->second;
    std::error_code error;
    return std::filesystem::exists(folder + "/encryption.key", error)
           || std::filesystem::exists(folder + "/llm-proxy.db", error);
}

// As --serve would read it, before anything is written.
LoadedSettings loadDraft(const Draft &draft)
{
    SettingSources sources;
    for (const EnvValue &one : parseSharedEnvFile(draft.text, isSettingName).values) {
        if (isSecretSetting(one.name))
            sources.secrets[one.name] = std::make_shared<const Secret>(one.value);
        else
            sources.environment[one.name] = one.value;
    }
    sources.serve = true;
    addValidators(sources);
    addNameLookUp(sources);
    LoadedSettings loaded = loadSettings(sources);
    for (SettingProblem &problem : loaded.problems)
        problem.source.clear(); // what was added has no line yet
    return loaded;
}

// Prints what --serve would refuse of these; false: nothing.
bool isRefused(const Draft &draft, const std::vector<std::string> &names)
{
    LoadedSettings loaded = loadDraft(draft);
    std::erase_if(loaded.problems, [&](const SettingProblem &one) { return std::find(names.begin(), names.end(), one.name) == names.end(); });
    printProblems(loaded);
    return !loaded.problems.empty();
}

// False: the answer was to take another address.
bool askForTls(Draft &draft)
{
    note("other machines can reach this address, so it needs TLS: a certificate and its private key. certbot gets both: certbot certonly --standalone -d NAME");
    const std::string certificate = ask("Certificate file, PEM, such as /etc/letsencrypt/live/NAME/fullchain.pem; empty for another address", presentOr(draft, "TLS_CERT_FILE", ""));
    const std::string key = certificate.empty() ? "" : ask("Private key file, PEM", presentOr(draft, "TLS_KEY_FILE", ""));
    if (key.empty())
        return false;
    answer(draft, "TLS_CERT_FILE", certificate, "certificate of the server, and its chain");
    answer(draft, "TLS_KEY_FILE", key, "its private key");
    return true;
}

// With the addresses of its names, as a server looks them up when it starts.
ListenAddresses listenOf(const Draft &draft)
{
    return loadDraft(draft).settings.listen;
}

// Without TLS and without its exception --serve would refuse it.
bool isPublic(const Draft &draft)
{
    return !forOtherMachines(listenOf(draft)).empty();
}

// False after a sentence: this machine does not have one of the addresses. A port that is taken may be our own server's, and a right
// can still be given.
bool canListen(const Draft &draft)
{
    const ListenAddresses wanted = listenOf(draft);
    const auto plan = planListeners(wanted);
    if (plan || isPortTaken(wanted)) {
        if (!plan)
            note("warning: " + plan.error().message);
        return true;
    }
    note(plan.error().message);
    return false;
}

// Until --serve would take the answer. What was answered before is the default.
void askListen(Draft &draft)
{
    const std::string builtIn = "127.0.0.1:8080", standard = presentOr(draft, "LISTEN_ADDR", builtIn);
    while (std::cin) {
        const std::string listen = ask("Address to listen on", standard);
        if (const std::string problem = settingProblem("LISTEN_ADDR", listen); !problem.empty()) {
            note("LISTEN_ADDR: " + problem);
            continue;
        }
        Draft candidate = draft;
        if (listen != builtIn || draft.present.contains("LISTEN_ADDR"))
            answer(candidate, "LISTEN_ADDR", listen, "address and port of the server");
        if (listen != standard && !canListen(candidate))
            continue;
        if (isPublic(candidate) && !candidate.present.contains("ALLOW_INSECURE_LISTEN") && !askForTls(candidate))
            continue;
        if (isRefused(candidate, {"LISTEN_ADDR", "TLS_CERT_FILE", "TLS_KEY_FILE"}))
            continue;
        draft = std::move(candidate);
        return;
    }
}

void fillDraft(const GlobalOptions &options, const SetupOptions &setup, Draft &draft)
{
    const auto missing = [&](const char *name) { return draft.present.find(name) == draft.present.end(); };
    for (const auto &[name, value] : options.flags) {
        if (missing(name.c_str()))
            add(draft, name, value, "given to llm-proxy setup");
        else
            note(name + " is set in " + draft.path + " and stays as it is");
    }
    if (!setup.nonInteractive && options.flags.count("LISTEN_ADDR") == 0)
        askListen(draft);
    if (missing("MANAGEMENT_TOKEN") && missing("MANAGEMENT_TOKEN_FILE"))
        add(draft, "MANAGEMENT_TOKEN", randomBase62(43), "opens the management API; keep it secret");
    if (missing("ENCRYPTION_KEY") && missing("ENCRYPTION_KEY_FILE")) {
        if (hasOwnKey(draft, options))
            note("no ENCRYPTION_KEY is added: the data directory already has its key");
        else
            add(draft, "ENCRYPTION_KEY", randomBase64Key(), "opens the stored provider keys; losing it loses them");
    }
}

void offerIgnores(const SetupOptions &setup, const Draft &draft)
{
    std::string gitignore;
    const std::vector<std::string> missing = missingIgnores(draft.path, gitignore);
    if (missing.empty() || !distrustOfFolder(gitignore, {}).empty()) // a work tree of another user is that user's matter
        return;
    std::string names = missing.front();
    for (size_t i = 1; i < missing.size(); ++i)
        names += " and " + missing[i];
    const bool wanted =
        setup.gitignore || (!setup.nonInteractive && agreed("Add " + names + " to " + gitignore + "?"));
    if (!wanted) {
        note(names + " should be in " + gitignore + "; llm-proxy setup --gitignore adds what is missing");
        return;
    }
    std::string text;
    readWholeFile(gitignore, text);
    if (!text.empty() && text.back() != '\n')
        text += '\n';
    for (const std::string &name : missing)
        text += name + "\n";
    const std::string problem = replaceFile(gitignore, text, 0644);
    note(problem.empty() ? "added " + names + " to " + gitignore : problem);
}

QJsonArray listOf(const std::vector<std::string> &names)
{
    QJsonArray list;
    for (const std::string &name : names)
        list.append(fromText(name));
    return list;
}

void report(const SetupOptions &setup, const Draft &draft)
{
    if (setup.json) {
        printJson({{QLatin1String("env_file"), fromText(draft.path)},
                   {QLatin1String("added"), listOf(draft.added)},
                   {QLatin1String("changed"), listOf(draft.changed)},
                   {QLatin1String("kept"), listOf(draft.kept)}});
        return;
    }
    FieldList fields{{"file", draft.path}};
    for (const std::string &name : draft.added)
        fields.emplace_back("added", name);
    for (const std::string &name : draft.changed)
        fields.emplace_back("changed", name);
    for (const std::string &name : draft.kept)
        fields.emplace_back("kept", name);
    printFields(fields);
    note("start the server with llm-proxy --serve, then llm-proxy project create --name NAME --key-stdin");
}

int runSetup(const GlobalOptions &options, SetupOptions &setup)
{
    if (!setup.nonInteractive && !isatty(STDIN_FILENO))
        return complain(ExitUsage, "setup asks questions and standard input is no terminal; use --non-interactive");
    wipeSecretVariables(); // .env alone is read
    if (const std::string why = whyHiddenByRun("./data"); !why.empty())
        return complain(ExitNotAllowed, why);
    Draft draft;
    if (const int code = readDraft(options, draft))
        return code;
    fillDraft(options, setup, draft);
    std::vector<std::string> checked = draft.added;
    checked.insert(checked.end(), {"LISTEN_ADDR", "TLS_CERT_FILE", "TLS_KEY_FILE"});
    if (isRefused(draft, checked))
        return complain(ExitUsage, draft.path + " was left as it is");
    if (const std::string problem = replaceFile(draft.path, draft.text, 0600); !problem.empty())
        return complain(ExitFailed, problem);
    wipe(draft.text.data(), draft.text.size());
    offerIgnores(setup, draft);
    report(setup, draft);

    SettingSources sources;
    sources.envFilePath = draft.path;
    sources.serve = true;
    addValidators(sources);
    addNameLookUp(sources);
    LoadedSettings loaded;
    return loadOrComplain(sources, loaded) ? ExitOk : ExitUsage;
}

} // namespace

void addSetupCommand(CommandLine &line)
{
    auto setup = std::make_shared<SetupOptions>();
    CLI::App *command = line.app.add_subcommand(
        "setup", "Write .env (or --env FILE): address, management token, encryption key; secrets that are there stay, and other answers can be corrected");
    command->add_flag("--non-interactive", setup->nonInteractive, "Ask nothing");
    command->add_flag("--gitignore", setup->gitignore, "Add .env and data/ to the work tree's .gitignore");
    command->add_flag("--json", setup->json, "Print JSON");
    command->callback([&line, setup] { line.chosen = [&line, setup] { return runSetup(line.options, *setup); }; });
}

} // namespace llmproxy
