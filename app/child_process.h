// SPDX-License-Identifier: GPL-3.0-only
// The command that `llm-proxy run` starts: its environment, its signals, its end. Thread: main.
#pragma once

#include <csignal>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace llmproxy {

struct ChildEnvironment
{
    std::string url;                    // of the proxy: http://127.0.0.1:8080
    std::string token;                  // the access token
    std::set<std::string> withheld;     // variables that env: references name, and what isolation takes
};

// Whether the command does without a variable because a provider's key is said to be in it. What programs need to run at all (PATH,
// HOME, the locale, proxies and the like) is never withheld. isElsewhere: another machine's server says so, and the name has to be
// one that secrets have.
bool mayWithhold(const std::string &name, bool isElsewhere);

// Of ours, what a command may have: not our secrets, nor what would bypass the proxy, nor these.
std::map<std::string, std::string> inheritedVariables(std::map<std::string, std::string> ours, const std::set<std::string> &withheld);
// NAME=value, for a new process.
std::vector<std::string> asTexts(const std::map<std::string, std::string> &variables);

// Ours plus the proxy's variables, without our secrets and what would bypass the proxy (ruling 32).
std::map<std::string, std::string> childVariables(std::map<std::string, std::string> ours,
                                                  const ChildEnvironment &child);

// Starts the command and waits for its end, handing on the signals in the set (blocked by the caller, SIGCHLD
// among them). Its status as a shell gives it: 128+n after a signal, 127 and 126 when it cannot be started.
int runChild(const std::vector<std::string> &command, const std::map<std::string, std::string> &variables,
             const sigset_t &signals);

} // namespace llmproxy
