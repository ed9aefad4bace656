// SPDX-License-Identifier: GPL-3.0-only
#include "base/absolute_path.h"
#include "command_line.h"
#include "engine/engine.h"
#include "output.h"
#include "waiting_note.h"

#include <filesystem>

namespace llmproxy {

namespace {

// A named server is asked without the settings of this folder: only those that lead to it count, and what was typed.
bool loadForUrl(const CommandLine &line, LoadedSettings &loaded)
{
    const SettingSources sources = settingSources(line.options, EnvFilePolicy::OnlyWhenNamed, false);
    loaded = loadSettings(sources);
    std::erase_if(loaded.problems, [&](const SettingProblem &one) {
        const bool leadsThere = one.name.ends_with("_PROXY") || one.name == "SSL_CERT_FILE" || one.name == sources.envFilePath;
        return !leadsThere && !sources.flags.contains(one.name);
    });
    printProblems(loaded);
    return loaded.problems.empty();
}

int showHealth(const ApiAnswer &answer, const std::string &of, const Target &target)
{
    if (!answer.ok())
        return complain(answer);
    if (target.json)
        printJson(answer.body);
    else
        printFields({{of, cell(answer.body, "status")}});
    return ExitOk;
}

// The certificate of one's own server is for its name, which is not asked for here; and nothing secret is sent.
int askAddress(const std::string &url, const LoadedSettings &loaded, const Target &target)
{
    const WaitingNote waiting(url);
    return showHealth(askHealth(url, loaded.settings, !target.url.empty()), url, target);
}

int askListener(const LoadedSettings &loaded, const Target &target)
{
    return askAddress(localUrl(loaded.settings.listen, !loaded.settings.tlsCertFile.empty()), loaded, target);
}

// The server of the data directory says itself how it is, whatever it listens on.
int askOwner(const LoadedSettings &loaded, const Target &target)
{
    const Settings &settings = loaded.settings;
    const std::string place = absolutePath(settings.dataDir);
    const std::string origin = loaded.origin.at("LISTEN_ADDR");
    if (origin == "flag") // an address for this call
        return askListener(loaded, target);
    const LockOwner owner = dataDirOwner(settings.dataDir);
    if (const Outcome error = checkDataDir(settings.dataDir, owner.held))
        return complain(*error);
    if (owner.held) {
        const auto client = commandsClient(clientOfSocket(controlSocketOf(settings.dataDir)), "the server of the data directory " + place + " (process " + std::to_string(owner.pid) + ")", place);
        return showHealth(client->call("GET", "/health"), place, target);
    }
    if (origin == "environment" && !std::filesystem::exists(settings.databasePath)) // where no server has been yet
        return askListener(loaded, target);
    const bool isDefault = loaded.origin.at("DATA_DIR") == "default";
    return complain(ExitUnreachable, "no server runs with the data directory " + place + ". Start it with llm-proxy --serve"
                                         + (isDefault ? ", run this in the server's folder or name its --data-dir, or ask a server elsewhere with --url" : ", or ask a server elsewhere with --url"));
}

int askHealthOf(const CommandLine &line, const Target &target)
{
    LoadedSettings loaded;
    if (target.url.empty() ? !loadToRead(settingSources(line.options, EnvFilePolicy::WorkingDirectory, false), loaded) : !loadForUrl(line, loaded))
        return ExitUsage;
    if (target.url.empty())
        return askOwner(loaded, target);
    const std::string url = serverUrl(target.url);
    return url.empty() ? complain(ExitUsage, "--url: not an address of a server; write http://host:port or https://host") : askAddress(url, loaded, target);
}

} // namespace

void addHealthCommand(CommandLine &line)
{
    auto target = std::make_shared<Target>();
    CLI::App *health = line.app.add_subcommand("health", "Ask whether a server answers; exit code 0 when it does");
    health->add_option("--url", target->url, "A server elsewhere; default: the one that runs with the data directory")->type_name("URL");
    health->add_flag("--json", target->json, "Print JSON");
    health->footer("Settings such as --data-dir are accepted too: llm-proxy --help settings");
    health->callback([&line, target] { line.chosen = [&line, target] { return askHealthOf(line, *target); }; });
}

} // namespace llmproxy
