// SPDX-License-Identifier: GPL-3.0-only
#include "sandbox_inside.h"

#include "sandbox_limits.h"
#include "sandbox_link.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int insideArguments = 6, notStarted = 126, notFound = 127;

struct Inside
{
    int link = -1, signals = -1, terminal = -1;
    pid_t command = -1;
};

bool isSocket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

std::vector<char *> pointersTo(std::vector<std::string> &texts)
{
    std::vector<char *> pointers;
    for (std::string &text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

// All signals are blocked here, SIGTTOU among them: a process that is not in the foreground may give the terminal away.
void giveTerminal(const Inside &inside, pid_t group)
{
    if (inside.terminal >= 0)
        tcsetpgrp(inside.terminal, group);
}

[[noreturn]] void becomeCommand(const Inside &inside, SandboxStart &start)
{
    setpgid(0, 0);
    if (start.isForeground)
        giveTerminal(inside, getpid());
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    std::vector<char *> variables = pointersTo(start.variables);
    environ = variables.data();
    execvp(start.arguments[0].c_str(), pointersTo(start.arguments).data());
    const int error = errno;
    std::fprintf(stderr, "llm-proxy: %s cannot be started: %s\n", start.arguments[0].c_str(), std::strerror(error));
    _exit(error == ENOENT ? notFound : notStarted);
}

bool startCommand(Inside &inside)
{
    const auto message = receiveSandbox(inside.link);
    if (!message || message->type != SandboxMessage::Type::Start)
        return false;
    auto start = sandboxStart(message->payload);
    if (!start)
        return false;
    inside.command = fork();
    if (inside.command == 0)
        becomeCommand(inside, *start);
    if (inside.command < 0) {
        std::fprintf(stderr, "llm-proxy: %s cannot be started: %s\n", start->arguments[0].c_str(), std::strerror(errno));
        return false;
    }
    setpgid(inside.command, inside.command); // whichever comes first
    if (start->isForeground)
        giveTerminal(inside, inside.command);
    return true;
}

// The command's status once it has ended; -1: it has not.
int reap(const Inside &inside)
{
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
        if (pid != inside.command)
            continue;
        if (WIFSTOPPED(status)) {
            const char signal = static_cast<char>(WSTOPSIG(status));
            sendSandbox(inside.link, SandboxMessage::Type::Stopped, {&signal, 1});
        } else {
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
    }
    return -1;
}

// False: `run` is gone, and with it the command's right to be here.
bool obey(const Inside &inside)
{
    const auto message = receiveSandbox(inside.link);
    if (!message || message->payload.size() != 1)
        return false;
    const int byte = static_cast<unsigned char>(message->payload[0]);
    if (message->type == SandboxMessage::Type::Signal) {
        kill(inside.command, byte);
    } else if (message->type == SandboxMessage::Type::Continue) {
        if (byte == 1)
            giveTerminal(inside, inside.command);
        kill(-inside.command, SIGCONT);
        kill(inside.command, SIGCONT);
    }
    return true;
}

int watchCommand(const Inside &inside)
{
    pollfd waited[] = {{inside.link, POLLIN, 0}, {inside.signals, POLLIN, 0}};
    while (poll(waited, 2, -1) >= 0 || errno == EINTR) {
        if (waited[1].revents != 0) {
            signalfd_siginfo info = {};
            [[maybe_unused]] const ssize_t got = read(inside.signals, &info, sizeof info);
            if (const int code = reap(inside); code >= 0)
                return code;
        }
        if (waited[0].revents != 0 && !obey(inside))
            return 128 + SIGKILL;
    }
    return 1;
}

// What bubblewrap handed on besides: the program's descriptor, which it was started from.
void closeProgram(char **argv)
{
    constexpr const char *prefix = "/proc/self/fd/";
    if (std::strncmp(argv[0], prefix, std::strlen(prefix)) == 0)
        close(std::atoi(argv[0] + std::strlen(prefix)));
}

} // namespace

bool isInsideCall(int argc, char **argv)
{
    return argc == insideArguments && std::strcmp(argv[1], insideWord) == 0 && getpid() == 1 && isSocket(std::atoi(argv[2]));
}

int runInside(char **argv)
{
    Inside inside;
    inside.link = std::atoi(argv[2]);
    fcntl(inside.link, F_SETFD, FD_CLOEXEC);
    dup2(std::atoi(argv[3]), STDERR_FILENO); // until now it was what bubblewrap's own troubles are read from
    close(std::atoi(argv[3]));
    closeProgram(argv);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "llm-proxy-run", 0, 0, 0);

    sigset_t all, ends;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    inside.signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    inside.terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

    const SandboxProc proc = std::strcmp(argv[4], "fresh") == 0 ? SandboxProc::Fresh : SandboxProc::Shared;
    const SandboxLimits limits = limitSandbox(proc, std::strcmp(argv[5], "keep") == 0);
    if (!filterSystemCalls(geteuid() == 0, !limits.hidesSignals) || !sendSandbox(inside.link, SandboxMessage::Type::Ready, limits.text()) || !startCommand(inside))
        return notStarted;
    return watchCommand(inside);
}

} // namespace llmproxy
