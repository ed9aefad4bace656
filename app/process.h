// SPDX-License-Identifier: GPL-3.0-only
// What this process may do and how it hears signals. Thread: main, before any other thread starts.
#pragma once

#include <csignal>
#include <initializer_list>

namespace llmproxy {

// Other processes of the user cannot read our memory, and no core is written of it.
void protectMemory();
// Core size 0, also for what the system writes by itself.
void forbidCoreDumps();
// Soft limit of open files up to the hard one; the new limit.
long liftOpenFiles();
// Blocks these for this thread and those it starts, and ignores SIGPIPE. The set of them.
sigset_t blockSignals(std::initializer_list<int> signals);

} // namespace llmproxy
