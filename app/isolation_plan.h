// SPDX-License-Identifier: GPL-3.0-only
// What the command of `llm-proxy run` is kept away from, and how bubblewrap is told so. The session bus, displays, the SSH agent and
// other processes are always hidden; the folders and files are those of the server that is used and of the working directory. Thread: main.
#pragma once

#include "config/own_places.h"
#include "hidden_paths.h"
#include "session_doors.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct IsolationOptions
{
    bool isRequired = false, isOff = false;
    DoorOptions doors;
    std::vector<std::string> readOnly, hide; // as typed
};

struct IsolationPlan
{
    HiddenPaths hidden;
    SessionDoors doors;
    std::vector<std::string> readOnly; // absolute, without links
    std::string workingDirectory;      // the same
    std::vector<std::string> copied;   // the same: replaced by copies of the command's user
};

// problem: a sentence, when an option names what is not there, or the working directory itself would be hidden.
IsolationPlan planIsolation(const IsolationOptions &options, const std::map<std::string, std::string> &environment, const std::vector<OwnPlace> &places, std::string *problem);

// Files of ours that a command in this working directory would meet: .env there and, with a secret of ours in it, in each folder
// above up to the root of the work tree, and the data directories beside them.
std::vector<OwnPlace> placesAround(const std::string &workingDirectory);

// A .env that sets a secret of ours, or says where one is; dataDir: DATA_DIR, when it is set there.
bool isEnvFileOfOurs(const std::string &envFile, std::string *dataDir);

// What a command that is not isolated can do, as a sentence.
std::string openWithout(const HiddenPaths &hidden);

// The number of a descriptor, a new one at each call, from which bubblewrap reads this text.
using TextFd = std::function<std::string(std::string_view text)>;
// What bubblewrap is told before the command.
std::vector<std::string> bubblewrapArguments(const IsolationPlan &plan, bool hasFreshProc, const TextFd &textFd);

} // namespace llmproxy
