// SPDX-License-Identifier: GPL-3.0-only
// Finds bubblewrap and starts it. Thread: main.
#pragma once

#include "isolation_plan.h"

#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace llmproxy {

// Where PATH has it; a folder without a leading slash is not looked into, and only a program of root's is taken. Empty: nowhere.
std::string findBubblewrap();

struct BubblewrapStart
{
    pid_t pid = -1;
    int link = -1;   // to the first process inside (sandbox_link.h)
    int errors = -1; // what bubblewrap says; at its end bubblewrap is gone, or the sandbox stands
};

// Starts it with the first process inside, in our process group, its signals blocked: those of the terminal are the command's.
// False: nothing was started; errno.
bool startBubblewrap(const std::string &program, const IsolationPlan &plan, bool hasFreshProc, const std::vector<std::string> &variables, BubblewrapStart *started);

// All descriptors that are open now, above standard error.
std::set<int> openDescriptors();
// Those that libraries opened since, without FD_CLOEXEC, are not the command's: libcurl's.
void closeAllBut(const std::set<int> &inherited);
// For the command's sake: an inherited descriptor of a folder or a socket leads out of the sandbox. Pipes stay, as of a shell's <(…).
void closeInheritedExceptPipes();
// A sentence when standard input, output or error is a folder; empty: none is.
std::string folderAmongStandard();

} // namespace llmproxy
