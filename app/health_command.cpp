// SPDX-License-Identifier: GPL-3.0-only
#include "command_line.h"
#include "output.h"

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

int askHealthOf(const CommandLine &line, const Target &target)
{
    LoadedSettings loaded;
    if (target.url.empty() ? !loadToRead(settingSources(line.options, EnvFilePolicy::WorkingDirectory, false), loaded) : !loadForUrl(line, loaded))
        return ExitUsage;
    const bool isTls = !loaded.settings.tlsCertFile.empty();
    const std::string url = target.url.empty() ? localUrl(loaded.settings.listen, isTls) : serverUrl(target.url);
    if (url.empty())
        return complain(ExitUsage, "--url: not an address of a server; write http://host:port or https://host");
    // The certificate of one's own server is for its name, which is not asked for here; and nothing secret is sent.
    const ApiAnswer answer = askHealth(url, loaded.settings, !target.url.empty());
    if (!answer.ok())
        return complain(answer);
    if (target.json)
        printJson(answer.body);
    else
        printFields({{url, cell(answer.body, "status")}});
    return ExitOk;
}

} // namespace

void addHealthCommand(CommandLine &line)
{
    auto target = std::make_shared<Target>();
    CLI::App *health = line.app.add_subcommand("health", "Ask whether a server answers; exit code 0 when it does");
    health->add_option("--url", target->url, "The server; default: LISTEN_ADDR")->type_name("URL");
    health->add_flag("--json", target->json, "Print JSON");
    health->callback([&line, target] { line.chosen = [&line, target] { return askHealthOf(line, *target); }; });
}

} // namespace llmproxy
