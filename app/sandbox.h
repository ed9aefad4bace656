// SPDX-License-Identifier: GPL-3.0-only
// The sandbox of `llm-proxy run`'s command: bubblewrap with a process of ours inside, which waits to be told what to start. Thread: main.
#pragma once

#include "bubblewrap.h"
#include "sandbox_limits.h"

#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

// bubblewrap's words for a kernel, container or AppArmor that gives it no namespaces: by their beginning, as an earlier command chooses
// names of files that stand further on.
bool isRefusalOfKernel(std::string_view said);

class Sandbox
{
public:
    // Why there is none.
    struct Obstacle
    {
        std::string why;                    // as the end of a sentence that begins with "because"
        bool isOfThisMachine = false;       // bubblewrap is missing, or the kernel gives it no namespaces: nothing that an earlier command could cause
        std::string said;                   // by bubblewrap, its first line; names of files may be in it
    };
    // Stands when it returns; nothing of the command has started. Null: there is an obstacle.
    static std::unique_ptr<Sandbox> open(const IsolationPlan &plan, const std::vector<std::string> &variables, Obstacle *obstacle);
    ~Sandbox(); // ends what runs in it
    Sandbox(const Sandbox &) = delete;
    Sandbox &operator=(const Sandbox &) = delete;

    // What the kernel cannot hide, "abstract sockets"; empty: nothing that we know.
    std::string openings() const;
    pid_t process() const { return m_started.pid; } // bubblewrap's
    // Starts the command and waits for its end, handing on the signals in the set (blocked by the caller, SIGCHLD among them). The
    // terminal is the command's while it runs in the foreground; when it stops, we stop. Its status as a shell gives it: 128+n after a
    // signal, 127 and 126 when it cannot be started.
    int run(const std::vector<std::string> &command, const std::vector<std::string> &variables, const sigset_t &signals);

private:
    Sandbox(const BubblewrapStart &started, bool hasFreshProc) : m_started(started), m_hasFreshProc(hasFreshProc) {}
    static std::unique_ptr<Sandbox> tryOpen(const std::string &program, const IsolationPlan &plan, bool hasFreshProc, const std::vector<std::string> &variables, Obstacle *obstacle);
    bool waitReady(Obstacle *obstacle);
    void afterStop(int signal);
    void handOn(int signals);
    bool hasEnded();

    BubblewrapStart m_started;
    SandboxLimits m_limits;
    const bool m_hasFreshProc;
    bool m_keepsAbstract = false, m_gaveTerminal = false;
    int m_terminal = -1, m_status = 0;
};

} // namespace llmproxy
