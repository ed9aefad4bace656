// SPDX-License-Identifier: GPL-3.0-only
// What this process may do and how it hears signals. Thread: main, before any other thread starts.
#pragma once

#include <csignal>
#include <initializer_list>
#include <thread>

namespace llmproxy {

// Other processes of the user cannot read our memory, and no core is written of it.
void protectMemory();
// Core size 0, also for what the system writes by itself.
void forbidCoreDumps();
// Soft limit of open files up to the hard one; the new limit.
long liftOpenFiles();
// Blocks these for this thread and those it starts, and ignores SIGPIPE. The set of them.
sigset_t blockSignals(std::initializer_list<int> signals);

// While the engine shuts down: a SIGTERM or SIGINT that arrives more than two seconds after the shutdown began ends the process
// at once, and the log says so. An earlier one belongs to the same request: a terminal's Ctrl-C and a script's kill arrive
// together. Both signals stay blocked. Thread: main creates and destroys it, its own watches.
class SecondSignal
{
public:
    SecondSignal();
    ~SecondSignal();
    SecondSignal(const SecondSignal &) = delete;
    SecondSignal &operator=(const SecondSignal &) = delete;

private:
    int m_signals = -1, m_done = -1;
    std::thread m_thread;
};

} // namespace llmproxy
