// SPDX-License-Identifier: GPL-3.0-only
// llm-proxy setup: writes what is missing into .env and keeps everything else.
#include "command_line.h"
#include "config/env_register.h"
#include "config/hidden_by_run.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "engine/listen_plan.h"
#include "env_writer.h"
#include "management_client.h"
#include "output.h"
#include "setup_draft.h"

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
    std::string secretsIn; // "data" or "env"; empty: a person is asked in a git work tree, else env
};

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

// False: the answer was to take another address.
bool askForTls(Draft &draft)
{
    note("other machines can reach this address, so it needs TLS: a certificate and its private key. certbot gets both: certbot certonly --standalone -d NAME");
    const std::string certificate = ask("Certificate file, PEM, such as /etc/letsencrypt/live/NAME/fullchain.pem; empty for another address", draft.valueOr("TLS_CERT_FILE", ""));
    const std::string key = certificate.empty() ? "" : ask("Private key file, PEM", draft.valueOr("TLS_KEY_FILE", ""));
    if (key.empty())
        return false;
    draft.answer("TLS_CERT_FILE", certificate, "certificate of the server, and its chain");
    draft.answer("TLS_KEY_FILE", key, "its private key");
    return true;
}

// With the addresses of its names, as a server looks them up when it starts.
ListenAddresses listenOf(const Draft &draft)
{
    return draft.load().settings.listen;
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
    const std::string builtIn = "127.0.0.1:8080", standard = draft.valueOr("LISTEN_ADDR", builtIn);
    while (std::cin) {
        const std::string listen = ask("Address to listen on", standard);
        if (const std::string problem = settingProblem("LISTEN_ADDR", listen); !problem.empty()) {
            note("LISTEN_ADDR: " + problem);
            continue;
        }
        Draft candidate = draft;
        if (listen != builtIn || draft.has("LISTEN_ADDR"))
            candidate.answer("LISTEN_ADDR", listen, "address and port of the server");
        if (listen != standard && !canListen(candidate))
            continue;
        if (isPublic(candidate) && !candidate.has("ALLOW_INSECURE_LISTEN") && !askForTls(candidate))
            continue;
        if (candidate.isRefused({"LISTEN_ADDR", "TLS_CERT_FILE", "TLS_KEY_FILE"}))
            continue;
        draft = std::move(candidate);
        return;
    }
}

void fillDraft(const GlobalOptions &options, const SetupOptions &setup, Draft &draft)
{
    for (const auto &[name, value] : options.flags) {
        if (!draft.has(name))
            draft.add(name, value, "given to llm-proxy setup");
        else
            note(name + " is set in " + draft.path + " and stays as it is");
    }
    if (!setup.nonInteractive && options.flags.count("LISTEN_ADDR") == 0)
        askListen(draft);
}

bool isFile(const std::string &path)
{
    std::error_code error;
    return std::filesystem::exists(path, error);
}

// A directory that has a key keeps it: another one would not open what is stored there.
bool hasOwnKey(const Settings &settings)
{
    return isFile(settings.dataDir + "/encryption.key") || isFile(settings.databasePath);
}

bool isMissing(const Draft &draft, const std::string &name)
{
    return !draft.has(name) && !draft.has(name + "_FILE");
}

void addToken(Draft &draft)
{
    if (!isMissing(draft, "MANAGEMENT_TOKEN"))
        return;
    const std::string path = managementTokenPath(draft.dataDir);
    const bool isThere = isFile(path); // that of an earlier .env stays
    if (!draft.keepsApart && !isThere) {
        draft.add("MANAGEMENT_TOKEN", randomManagementToken(), "opens the management API; keep it secret");
        return;
    }
    draft.secrets.needsToken = !isThere;
    draft.add("MANAGEMENT_TOKEN_FILE", path, "file with the management token, which opens the management API");
}

void addKey(Draft &draft, const Settings &settings)
{
    if (!isMissing(draft, "ENCRYPTION_KEY"))
        return;
    if (hasOwnKey(settings))
        note("no ENCRYPTION_KEY is added: the data directory already has its key");
    else if (draft.keepsApart)
        draft.secrets.needsKey = true;
    else
        draft.add("ENCRYPTION_KEY", randomEncryptionKey(), "opens the stored provider keys; losing it loses them");
}

bool keepsApart(const SetupOptions &setup, const Draft &draft, const Settings &settings)
{
    if (!setup.secretsIn.empty())
        return setup.secretsIn == "data";
    const bool addsToken = isMissing(draft, "MANAGEMENT_TOKEN") && !isFile(managementTokenPath(settings.dataDir));
    const bool addsKey = isMissing(draft, "ENCRYPTION_KEY") && !hasOwnKey(settings);
    if (workTreeAround(draft.path).empty() || !(addsToken || addsKey))
        return false;
    if (setup.nonInteractive) { // scripts read them in .env
        note("this folder is in a git work tree, and coding agents read the files of a project: llm-proxy setup --secrets-in data keeps new secrets in the data directory");
        return false;
    }
    return agreed("This folder is in a git work tree, and coding agents read the files of a project. Keep the secrets in " + settings.dataDir + " instead of " + draft.path + "?");
}

void addSecrets(const SetupOptions &setup, Draft &draft)
{
    const LoadedSettings loaded = draft.load();
    draft.dataDir = loaded.settings.dataDir;
    draft.keepsApart = keepsApart(setup, draft, loaded.settings);
    addToken(draft);
    addKey(draft, loaded.settings);
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
                   {QLatin1String("data_dir"), fromText(draft.dataDir)},
                   {QLatin1String("secret_files"), listOf(draft.written)},
                   {QLatin1String("added"), listOf(draft.added)},
                   {QLatin1String("changed"), listOf(draft.changed)},
                   {QLatin1String("kept"), listOf(draft.kept)}});
        return;
    }
    FieldList fields{{"file", draft.path}};
    const auto addAll = [&fields](const char *what, const std::vector<std::string> &names) {
        for (const std::string &name : names)
            fields.emplace_back(what, name);
    };
    addAll("secret file", draft.written);
    addAll("added", draft.added);
    addAll("changed", draft.changed);
    addAll("kept", draft.kept);
    printFields(fields);
    note("start the server with llm-proxy --serve, then llm-proxy project create --name NAME --key-stdin");
}

// What --serve would refuse is not written.
bool isDraftRefused(const Draft &draft)
{
    std::vector<std::string> checked = draft.added;
    checked.insert(checked.end(), {"LISTEN_ADDR", "TLS_CERT_FILE", "TLS_KEY_FILE"});
    if (draft.secrets.needsToken)
        std::erase(checked, "MANAGEMENT_TOKEN_FILE"); // is still to be made
    return draft.isRefused(checked);
}

// The secrets first: .env names their files. ExitOk, or the code after a sentence.
int writeFiles(Draft &draft)
{
    if (const Outcome failure = draft.secrets.write(draft.dataDir, &draft.written))
        return complain(*failure);
    if (const std::string problem = replaceFile(draft.path, draft.text, 0600); !problem.empty())
        return complain(ExitFailed, problem);
    wipe(draft.text.data(), draft.text.size());
    if (!checkDataDir(draft.dataDir, false)) // another user's is that user's matter
        rememberEnvFile(draft.dataDir, draft.path);
    return ExitOk;
}

int runSetup(const GlobalOptions &options, SetupOptions &setup)
{
    if (!setup.nonInteractive && !isatty(STDIN_FILENO))
        return complain(ExitUsage, "setup asks questions and standard input is no terminal; use --non-interactive");
    wipeSecretVariables(); // .env alone is read
    if (const std::string why = whyHiddenByRun("./data"); !why.empty())
        return complain(ExitNotAllowed, why);
    Draft draft;
    if (const int code = draft.read(options))
        return code;
    fillDraft(options, setup, draft);
    addSecrets(setup, draft);
    if (isDraftRefused(draft))
        return complain(ExitUsage, draft.path + " was left as it is");
    if (const int code = writeFiles(draft))
        return code;
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
        "setup", "Write .env (or --env FILE): address, management token, encryption key; secrets that are there stay, and other answers can be corrected. "
                 "In a git work tree it offers to keep the secrets in the data directory instead");
    command->add_flag("--non-interactive", setup->nonInteractive, "Ask nothing");
    command->add_option("--secrets-in", setup->secretsIn, "Where new secrets go: data (DATA_DIR) or env (.env); default: env; in a git work tree a person is asked")
        ->type_name("data|env")
        ->check(CLI::IsMember({"data", "env"}));
    command->add_flag("--gitignore", setup->gitignore, "Add .env and data/ to the work tree's .gitignore");
    command->add_flag("--json", setup->json, "Print JSON");
    command->callback([&line, setup] { line.chosen = [&line, setup] { return runSetup(line.options, *setup); }; });
}

} // namespace llmproxy
