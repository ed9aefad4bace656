// SPDX-License-Identifier: GPL-3.0-only
#include "command_mistake.h"

#include "base/masking.h"
#include "typed_names.h"

#include <algorithm>
#include <vector>

namespace llmproxy {

namespace {

// Commands that the documentation names and this version does not have.
constexpr std::string_view plannedCommands[] = {"backup", "restore", "import", "keys", "management-token", "prices", "budget", "alerts"};

const CLI::App *calledCommand(const CLI::App &app)
{
    const CLI::App *at = &app;
    for (auto called = at->get_subcommands(); !called.empty(); called = at->get_subcommands())
        at = called.front();
    return at;
}

// "llm-proxy project create"
std::string fullName(const CLI::App &command)
{
    const CLI::App *const parent = command.get_parent();
    return (parent ? fullName(*parent) + " " : std::string()) + command.get_name();
}

std::string helpOf(const CLI::App &command)
{
    return " (" + fullName(command) + " --help)";
}

std::vector<std::string> commandsOf(const CLI::App &command)
{
    std::vector<std::string> names;
    for (const CLI::App *one : command.get_subcommands([](const CLI::App *) { return true; }))
        names.push_back(one->get_name());
    return names;
}

// Its own, then those that hold everywhere.
std::vector<std::string> optionsOf(const CLI::App &command)
{
    std::vector<std::string> names;
    for (const CLI::App *at = &command; at; at = at->get_parent()) {
        for (const CLI::Option *option : at->get_options([](const CLI::Option *) { return true; })) {
            for (const std::string &name : option->get_lnames())
                names.push_back("--" + name);
        }
    }
    return names;
}

// A word that can be repeated: no key looks like this.
bool isWord(const std::string &text)
{
    constexpr size_t longest = 24;
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
}

std::string maybe(const std::string &similar)
{
    return similar.empty() ? std::string(".") : "; did you mean " + similar + "?";
}

std::string wordsOf(const std::vector<std::string> &names)
{
    std::string list;
    for (const std::string &one : names)
        list += (list.empty() ? "" : ", ") + one;
    return list;
}

std::string unknownCommand(const CLI::App &command, const std::string &word)
{
    const std::vector<std::string> commands = commandsOf(command);
    if (!command.get_parent() && std::find(std::begin(plannedCommands), std::end(plannedCommands), word) != std::end(plannedCommands))
        return "'" + word + "' is not available yet in this version" + helpOf(command);
    return (isWord(word) ? "there is no command '" + word + "'" : std::string("an argument is not a command")) + maybe(similarWord(word, commands)) + " The commands of "
           + fullName(command) + " are: " + wordsOf(commands) + helpOf(command);
}

std::string unknownOption(const CLI::App &command, const std::string &word)
{
    // What stands behind '=' may be a secret, and so may what only begins like an option.
    const std::string name = word.substr(0, word.find('='));
    return "unknown option " + redactText(name) + maybe(similarWord(name, optionsOf(command))) + helpOf(command);
}

} // namespace

std::string calledName(const CLI::App &app)
{
    return fullName(*calledCommand(app));
}

std::string mistakeIn(const CLI::App &app, const CLI::Error &error)
{
    const CLI::App &command = *calledCommand(app);
    // Other errors are about a value, whatever else stands there.
    const int code = error.get_exit_code(); // the name of an error may be that of its command
    const bool isAboutWords = code == static_cast<int>(CLI::ExitCodes::ExtrasError) || code == static_cast<int>(CLI::ExitCodes::RequiredError);
    const std::vector<std::string> extras = isAboutWords ? app.remaining(true) : std::vector<std::string>();
    const auto option = std::find_if(extras.begin(), extras.end(), [](const std::string &one) { return one.size() > 1 && one.front() == '-'; });
    if (option != extras.end())
        return unknownOption(command, *option);
    if (!extras.empty() && !commandsOf(command).empty())
        return unknownCommand(command, extras.front());
    if (code == static_cast<int>(CLI::ExitCodes::RequiredError) && !commandsOf(command).empty())
        return fullName(command) + " needs one of its commands: " + wordsOf(commandsOf(command)) + helpOf(command);
    if (!extras.empty())
        return "there is an argument too many" + helpOf(command);
    // The message may repeat what was typed, a key included.
    return redactText(error.what()) + helpOf(command);
}

} // namespace llmproxy
