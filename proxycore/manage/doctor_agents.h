// SPDX-License-Identifier: GPL-3.0-only
// Doctor's check of what agents on this machine can read: the keys of an engine are open to every program of the engine's user, unless
// it is started with `llm-proxy run`, which hides them. Only files and the user database are read; no process is started. Thread: management.
#pragma once

#include "manage/doctor_checks.h"

#include <functional>
#include <string>
#include <sys/types.h>

namespace llmproxy {

// What the check looks at.
struct AgentFacts
{
    uid_t user = 0;
    std::string userName, shell; // of the account; empty: it has none
    bool hasBubblewrap = false;
    std::string maxUserNamespaces, unprivilegedNamespaces, appArmorRestriction; // the first word of each sysctl; empty: the kernel has none
};

// Where they are looked for.
struct AgentPlaces
{
    std::string sysctls = "/proc/sys";
    std::string programs; // as PATH; empty: that of this process
};

AgentFacts agentFacts(const AgentPlaces &places = {});

using LookAtAgents = std::function<AgentFacts()>;
DoctorItem checkAgents(const LookAtAgents &look);

} // namespace llmproxy
