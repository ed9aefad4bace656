// SPDX-License-Identifier: GPL-3.0-only
#include "command_line.h"

#include "command_mistake.h"
#include "config/help.h"
#include "output.h"

#include <algorithm>
#include <cstdio>

namespace llmproxy {

namespace {

void addSettingFlags(CommandLine &line)
{
    for (const SettingDeclaration &setting : settingDeclarations()) {
        const std::string flag = flagOf(setting);
        if (flag.empty())
            continue;
        const auto keep = [&line, name = setting.name](const std::string &value) { line.options.flags[name] = value; };
        std::string meaning = setting.meaning;
        if (!setting.defaultText.empty())
            meaning += " [" + setting.defaultText + "]";
        line.app.add_option_function<std::string>(flag, keep, meaning)->type_name("")->group(""); // they stand in --help settings
    }
}

// CLI11 takes the next argument for the value of "--name="; here it means the empty text.
std::vector<std::string> splitEmptyValues(const std::vector<std::string> &arguments)
{
    std::vector<std::string> split;
    for (const std::string &argument : arguments) {
        const bool emptyValue = argument.rfind("--", 0) == 0 && argument.find('=') == argument.size() - 1;
        split.push_back(emptyValue ? argument.substr(0, argument.size() - 1) : argument);
        if (emptyValue)
            split.emplace_back();
    }
    return split;
}

} // namespace

CommandLine::CommandLine()
    : app("A proxy that keeps provider keys to itself and gives out access tokens with limits.\n"
          "Without a command it opens the console.",
          "llm-proxy")
{
    app.set_version_flag("--version", "llm-proxy " LLM_PROXY_VERSION);
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.add_flag("--serve", options.serve, "Run the engine without a console");
    app.add_flag("--demo", options.demo, "With a built-in provider, a project and a fresh token; needs no key");
    app.add_option("--screenshots", options.screenshots, "With --demo: the console writes a picture of each page there and ends")->type_name("DIR");
    app.add_option("--env", options.envFile, "Read settings from this file instead of ./.env")->type_name("FILE");
    app.footer("Settings such as --listen-addr and --data-dir are options of every command: llm-proxy --help settings\n"
               "Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration, 3 not allowed, 4 not reachable.\n"
               "Settings are also read from the environment and from .env; secrets have no flag.");
    addSettingFlags(*this);
    addSetupCommand(*this);
    addProjectCommands(*this);
    addTokenCommands(*this);
    addAuditCommands(*this);
    addRunCommand(*this);
    addHealthCommand(*this);
    addDoctorCommand(*this);
    addUsageCommand(*this);
}

int CommandLine::parse(int argc, char **argv)
{
    std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    const auto mark = std::find(arguments.begin(), arguments.end(), "--");
    if (mark != arguments.end()) {
        hasRest = true;
        rest.assign(mark + 1, arguments.end());
        arguments.erase(mark, arguments.end());
    }
    arguments = splitEmptyValues(arguments);
    if (arguments == std::vector<std::string>{"--help", "settings"}) {
        finished = true;
        print("Settings: variables of the environment or of .env. All but secrets are options, too: LISTEN_ADDR is --listen-addr.\n\n" + settingsHelp());
        return ExitOk;
    }
    std::reverse(arguments.begin(), arguments.end());
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::Success &success) {
        finished = true;
        return app.exit(success);
    } catch (const CLI::Error &error) {
        return complain(ExitUsage, mistakeIn(app, error));
    }
    name = calledName(app);
    if (hasRest && !app.got_subcommand("run"))
        return complain(ExitUsage, "only llm-proxy run takes a command after --");
    if (options.serve && !app.get_subcommands().empty())
        return complain(ExitUsage, "--serve takes no command");
    if (options.demo && !app.get_subcommands().empty())
        return complain(ExitUsage, "--demo takes no command");
    if (!options.screenshots.empty() && (!options.demo || options.serve))
        return complain(ExitUsage, "--screenshots goes with --demo, and without --serve");
    return ExitOk;
}

void addTarget(CLI::App *command, Target &target)
{
    command->add_option("--url", target.url, "A running server, with MANAGEMENT_TOKEN; default: the data directory")
        ->type_name("URL");
    command->add_flag("--json", target.json, "Print JSON");
    command->footer("Settings such as --data-dir are accepted too: llm-proxy --help settings");
}

CLI::Validator notEmpty()
{
    return CLI::Validator([](std::string &value) { return value.empty() ? std::string("an empty value is not accepted; leave the option out for no filter") : std::string(); }, "");
}

void addRepeated(CLI::App *command, const std::string &name, std::optional<std::vector<std::string>> &values,
                 const std::string &meaning)
{
    const auto keep = [&values](const std::vector<std::string> &given) { values = given; };
    command->add_option_function<std::vector<std::string>>(name, keep, meaning)
        ->type_size(1)
        ->allow_extra_args(false)
        ->type_name("TEXT");
}

} // namespace llmproxy
