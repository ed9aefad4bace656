// SPDX-License-Identifier: GPL-3.0-only
// Sockets and variables through which a program of the user gets other programs to act for it: the session bus and its secret store,
// displays, the SSH agent, container engines, terminal multiplexers, editors' servers. The command of `llm-proxy run` has none of
// them unless an option says so. Thread: main.
#pragma once

#include "hidden_paths.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace llmproxy {

struct DoorOptions
{
    bool allowDisplay = false, allowSshAgent = false;
};

struct SessionDoors
{
    std::set<std::string> withheld;       // variables
    std::set<std::string> runtimeDirs;    // replaced by empty folders of the command's own
    std::vector<std::string> kept;        // sockets and files in hidden folders that stay: of a display, of the agent
    std::map<std::string, std::string> links; // by which these were named, and where they lead
    std::vector<std::string> devices;     // of the graphics card
};

// Adds to hidden what is to be hidden beside runtimeDir.
SessionDoors sessionDoors(const std::map<std::string, std::string> &environment, const DoorOptions &options, HiddenPaths &hidden);

} // namespace llmproxy
