// SPDX-License-Identifier: GPL-3.0-only
// The command line: options that hold everywhere, the settings as flags, one subcommand per command file.
// Each command file registers itself and sets `chosen` when it was called. Thread: main.
#pragma once

#include "management_client.h"
#include "settings_source.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

struct CommandLine
{
    CommandLine();
    CommandLine(const CommandLine &) = delete;
    CommandLine &operator=(const CommandLine &) = delete;

    // ExitOk with `finished` set after --help and --version; ExitUsage after a sentence.
    int parse(int argc, char **argv);

    CLI::App app;
    GlobalOptions options;
    std::vector<std::string> rest; // what stood behind "--"
    bool hasRest = false;
    bool finished = false;
    std::function<int()> chosen;   // the subcommand that was called
    std::string name;              // as it is typed, with its parents: "llm-proxy token create"
};

// --url and --json.
void addTarget(CLI::App *command, Target &target);
// For filters: an empty value would mean everything.
CLI::Validator notEmpty();
// An option that may be given several times, one value each.
void addRepeated(CLI::App *command, const std::string &name, std::optional<std::vector<std::string>> &values,
                 const std::string &meaning);

void addSetupCommand(CommandLine &line);
void addProjectCommands(CommandLine &line);
void addTokenCommands(CommandLine &line);
void addAuditCommands(CommandLine &line);
void addRunCommand(CommandLine &line);
void addHealthCommand(CommandLine &line);
void addDoctorCommand(CommandLine &line);
void addUsageCommand(CommandLine &line);

} // namespace llmproxy
