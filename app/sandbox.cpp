// SPDX-License-Identifier: GPL-3.0-only
#include "sandbox.h"

#include "sandbox_link.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t longestError = 4096;
constexpr std::string_view noFreshProc = "bwrap: Can't mount proc on ";
// How bubblewrap begins what it says when the kernel, a container or AppArmor gives it no namespaces.
constexpr std::string_view kernelRefusals[] = {"bwrap: No permissions to creat", "bwrap: Creating new namespace failed", "bwrap: Unable to create user namespace", "bwrap: setting up uid map",
                                               "bwrap: setting up gid map", "bwrap: error writing to setgroups", "bwrap: Failed to make / slave", noFreshProc};

// The first line of what bubblewrap says, read until it says no more.
std::string firstLineFrom(int fd)
{
    std::string text;
    char block[512];
    for (ssize_t got = 0; (got = read(fd, block, sizeof block)) > 0 || (got < 0 && errno == EINTR);) {
        if (got > 0 && text.size() < longestError)
            text.append(block, static_cast<size_t>(got));
    }
    return text.substr(0, text.find('\n'));
}

std::string firstWord(const char *file)
{
    std::ifstream stream(file);
    std::string word;
    stream >> word;
    return word;
}

// Why bubblewrap gets no namespaces, and what changes that.
std::string adviceOfKernel()
{
    if (firstWord("/proc/sys/user/max_user_namespaces") == "0")
        return "; user namespaces are off: sysctl user.max_user_namespaces is 0";
    if (firstWord("/proc/sys/kernel/unprivileged_userns_clone") == "0" && geteuid() != 0)
        return "; user namespaces are off: sysctl kernel.unprivileged_userns_clone is 0";
    if (firstWord("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
        return "; AppArmor allows user namespaces only to programs with a profile, and bubblewrap has none that does: see kernel.apparmor_restrict_unprivileged_userns";
    return {};
}

// Both for a process that may be in the background, which SIGTTOU would stop.
class TerminalKept
{
public:
    TerminalKept()
    {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTTOU);
        pthread_sigmask(SIG_BLOCK, &set, &m_before);
    }
    ~TerminalKept() { pthread_sigmask(SIG_SETMASK, &m_before, nullptr); }
    TerminalKept(const TerminalKept &) = delete;
    TerminalKept &operator=(const TerminalKept &) = delete;

private:
    sigset_t m_before;
};

void takeTerminal(int terminal)
{
    const TerminalKept kept;
    tcsetpgrp(terminal, getpgrp());
}

bool isOursNow(int terminal)
{
    return terminal >= 0 && tcgetpgrp(terminal) == getpgrp();
}

} // namespace

bool isRefusalOfKernel(std::string_view said)
{
    return std::any_of(std::begin(kernelRefusals), std::end(kernelRefusals), [said](std::string_view beginning) { return said.starts_with(beginning); });
}

std::unique_ptr<Sandbox> Sandbox::open(const IsolationPlan &plan, const std::vector<std::string> &variables, Obstacle *obstacle)
{
    const std::string program = findBubblewrap();
    if (program.empty()) {
        *obstacle = {"bubblewrap is not installed (package bubblewrap)", true, {}};
        return nullptr;
    }
    auto sandbox = tryOpen(program, plan, true, variables, obstacle);
    if (!sandbox && obstacle->said.starts_with(noFreshProc)) // containers hide parts of /proc, and then the kernel mounts no fresh one
        sandbox = tryOpen(program, plan, false, variables, obstacle);
    return sandbox;
}

std::unique_ptr<Sandbox> Sandbox::tryOpen(const std::string &program, const IsolationPlan &plan, bool hasFreshProc, const std::vector<std::string> &variables, Obstacle *obstacle)
{
    BubblewrapStart started;
    *obstacle = {};
    if (!startBubblewrap(program, plan, hasFreshProc, variables, &started)) {
        obstacle->why = "bubblewrap cannot be started: " + std::string(std::strerror(errno));
        return nullptr;
    }
    std::unique_ptr<Sandbox> sandbox(new Sandbox(started, hasFreshProc));
    sandbox->m_keepsAbstract = !plan.doors.devices.empty();
    if (!sandbox->waitReady(obstacle))
        return nullptr;
    if (hasFreshProc || sandbox->m_limits.hidesMemory)
        return sandbox;
    *obstacle = {"no /proc of the command's own can be mounted, and this kernel has no Landlock to close the one of all processes", true, {}};
    return nullptr;
}

bool Sandbox::waitReady(Obstacle *obstacle)
{
    const auto message = receiveSandbox(m_started.link);
    if (message && message->type == SandboxMessage::Type::Ready) {
        m_limits = SandboxLimits::parse(message->payload);
        return true;
    }
    obstacle->said = firstLineFrom(m_started.errors);
    obstacle->isOfThisMachine = isRefusalOfKernel(obstacle->said);
    obstacle->why = (obstacle->said.empty() ? "the sandbox does not start" : "bubblewrap cannot isolate it (" + obstacle->said + ")") + (obstacle->isOfThisMachine ? adviceOfKernel() : std::string());
    return false;
}

Sandbox::~Sandbox()
{
    close(m_started.link); // the first process inside ends, and all others with it
    close(m_started.errors);
    if (m_terminal >= 0)
        close(m_terminal);
    if (m_started.pid > 0)
        waitpid(m_started.pid, nullptr, 0);
}

std::string Sandbox::openings() const
{
    std::string text;
    if (m_keepsAbstract)
        text = "abstract sockets, which X servers listen on";
    else if (!m_limits.hidesAbstract)
        text = "abstract sockets, which this kernel cannot hide (Linux 6.12 with Landlock can)";
    if (!m_hasFreshProc)
        text += std::string(text.empty() ? "" : "; ") + "the names of other processes, as no /proc of the command's own can be mounted here";
    return text;
}

// A shell's part: the command stopped, so our own shell gets the terminal back, and we stop as the command would have.
void Sandbox::afterStop(int signal)
{
    if (m_terminal < 0)
        return; // nobody could continue it from here
    const bool wantsTerminal = signal == SIGTTIN || signal == SIGTTOU;
    if (!wantsTerminal || !isOursNow(m_terminal)) {
        if (m_gaveTerminal)
            takeTerminal(m_terminal);
        const bool isOwnStop = signal == SIGSTOP && getpgrp() != getpid(); // the command's alone: a script around us goes on
        kill(isOwnStop ? getpid() : 0, wantsTerminal ? signal : SIGTSTP); // returns when somebody continues us
    }
    m_gaveTerminal = isOursNow(m_terminal);
    const char foreground = m_gaveTerminal ? 1 : 0;
    sendSandbox(m_started.link, SandboxMessage::Type::Continue, {&foreground, 1});
}

bool Sandbox::hasEnded()
{
    if (m_started.pid <= 0 || waitpid(m_started.pid, &m_status, WNOHANG) != m_started.pid)
        return m_started.pid <= 0;
    m_started.pid = -1;
    return true;
}

void Sandbox::handOn(int signals)
{
    signalfd_siginfo info = {};
    if (read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info) || info.ssi_signo == SIGCHLD)
        return;
    const char number = static_cast<char>(info.ssi_signo);
    sendSandbox(m_started.link, SandboxMessage::Type::Signal, {&number, 1});
}

int Sandbox::run(const std::vector<std::string> &command, const std::vector<std::string> &variables, const sigset_t &signals)
{
    m_terminal = ::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    // In `run … | less` the terminal is less's to read; the command gets it when it asks for it.
    m_gaveTerminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isOursNow(m_terminal);
    std::string start = textOf(SandboxStart{m_gaveTerminal, command, variables});
    sendSandbox(m_started.link, SandboxMessage::Type::Start, start);
    start.assign(start.size(), '\0'); // the token
    const int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    pollfd waited[] = {{m_started.link, POLLIN, 0}, {fd, POLLIN, 0}};
    while (!hasEnded()) {
        if (poll(waited, 2, -1) < 0)
            continue;
        if (waited[1].revents != 0)
            handOn(fd);
        if (waited[0].revents == 0)
            continue;
        const auto message = receiveSandbox(m_started.link);
        if (!message)
            waited[0].fd = -1; // its end is near
        else if (message->type == SandboxMessage::Type::Stopped && message->payload.size() == 1)
            afterStop(static_cast<unsigned char>(message->payload[0]));
    }
    close(fd);
    if (m_gaveTerminal)
        takeTerminal(m_terminal);
    return WIFSIGNALED(m_status) ? 128 + WTERMSIG(m_status) : WEXITSTATUS(m_status);
}

} // namespace llmproxy
