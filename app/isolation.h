// SPDX-License-Identifier: GPL-3.0-only
// How `llm-proxy run` keeps its command away from keys, or says that it does not. Thread: main.
#pragma once

#include "hidden_watch.h"
#include "isolation_plan.h"
#include "sandbox.h"

#include <csignal>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace llmproxy {

class ManagementClient;
struct Settings;

void addIsolationOptions(CLI::App *command, IsolationOptions &options);

class Isolation
{
public:
    // Says in one line what is in force. client, url: of the server that is used. withheld: gets the variables that the command does not inherit because of it, too. ExitOk, or
    // the code after a sentence: an option is wrong, or isolation is required and cannot be had.
    int open(const IsolationOptions &options, ManagementClient &client, const std::string &url, const std::vector<OwnPlace> &here, const std::map<std::string, std::string> &environment, std::set<std::string> &withheld);
    // Of the data directories on this machine, also when the server that is used is elsewhere: the usual one, and that of the settings.
    static std::vector<OwnPlace> placesHere(const Settings &settings, const std::map<std::string, std::string> &environment);
    // "on", "on; open: …" or "off: …", at most 200 characters.
    std::string forEvent() const;
    // As Sandbox::run(), or without one.
    int run(const std::vector<std::string> &command, std::map<std::string, std::string> variables, const sigset_t &signals);

private:
    int goOnWithout(const IsolationOptions &options, const IsolationPlan &plan, const std::string &why);

    const std::set<int> m_inherited = openDescriptors(); // to be made before an engine is
    std::unique_ptr<Sandbox> m_sandbox; // null: off
    std::unique_ptr<HiddenWatch> m_watch;
    std::string m_event;
};

} // namespace llmproxy
