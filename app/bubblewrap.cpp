// SPDX-License-Identifier: GPL-3.0-only
#include "bubblewrap.h"

#include "base/write_all.h"
#include "config/hidden_by_run.h"
#include "sandbox_inside.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// Descriptors that only the new process needs, closed here when it has them.
class HandedOn
{
public:
    HandedOn() { posix_spawn_file_actions_init(&m_actions); }
    ~HandedOn()
    {
        posix_spawn_file_actions_destroy(&m_actions);
        for (const int fd : m_fds)
            close(fd);
    }
    HandedOn(const HandedOn &) = delete;
    HandedOn &operator=(const HandedOn &) = delete;

    // Its number there is the one here.
    std::string add(int fd)
    {
        if (fd < 0) {
            m_error = errno;
            return "-1";
        }
        m_fds.push_back(fd);
        posix_spawn_file_actions_adddup2(&m_actions, fd, fd); // the same: without FD_CLOEXEC
        return std::to_string(fd);
    }
    void becomes(int fd, int number)
    {
        m_fds.push_back(fd);
        posix_spawn_file_actions_adddup2(&m_actions, fd, number);
    }
    int error() const { return m_error; } // of a descriptor that could not be had; 0: none
    const posix_spawn_file_actions_t *actions() const { return &m_actions; }

private:
    posix_spawn_file_actions_t m_actions = {};
    std::vector<int> m_fds;
    int m_error = 0;
};

// A file without a name, read from its beginning.
int fileWith(std::string_view text)
{
    const int fd = memfd_create("llm-proxy", MFD_CLOEXEC);
    if (fd >= 0 && writeAll(fd, text))
        lseek(fd, 0, SEEK_SET);
    return fd;
}

std::string endedByNul(const std::vector<std::string> &words)
{
    std::string text;
    for (const std::string &word : words)
        text.append(word.c_str(), word.size() + 1);
    return text;
}

// Root's: one of the user's own may be what an earlier command left in a folder of PATH.
bool isTrustedProgram(const std::string &path)
{
    constexpr uid_t unmapped = 65534; // whose root's files are in a user namespace without root, as in a sandbox around us
    struct stat about = {};
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(path, error);
    if (error || real.filename() != "bwrap" || access(real.c_str(), X_OK) != 0 || stat(real.c_str(), &about) != 0)
        return false;
    const bool isRoots = about.st_uid == 0 || (about.st_uid == unmapped && real.string().starts_with("/usr/"));
    return isRoots && S_ISREG(about.st_mode) && (about.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Its terminal's signals are for the command, which has them from the terminal itself; the stop signals, too.
sigset_t signalsOfCommand()
{
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU})
        sigaddset(&set, number);
    return set;
}

int spawnBlocked(pid_t *pid, const HandedOn &handedOn, std::vector<std::string> words, std::vector<std::string> variables)
{
    std::vector<char *> arguments, environment;
    for (std::string &word : words)
        arguments.push_back(word.data());
    for (std::string &variable : variables)
        environment.push_back(variable.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    const sigset_t blocked = signalsOfCommand();
    sigset_t standard;
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE); // the one that we ignore
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setsigdefault(&attributes, &standard);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int error = posix_spawn(pid, arguments[0], handedOn.actions(), &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    return error;
}

} // namespace

std::string findBubblewrap()
{
    const char *const path = std::getenv("PATH");
    std::string_view left = path ? path : "/usr/local/bin:/usr/bin:/bin";
    while (!left.empty()) {
        const size_t end = std::min(left.find(':'), left.size());
        const std::string program = std::string(left.substr(0, end)) + "/bwrap";
        if (program.front() == '/' && isTrustedProgram(program))
            return program;
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return {};
}

bool startBubblewrap(const std::string &program, const IsolationPlan &plan, bool hasFreshProc, const std::vector<std::string> &variables, BubblewrapStart *started)
{
    std::array<int, 2> link = {-1, -1}, errors = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link.data()) != 0)
        return false;
    if (pipe2(errors.data(), O_CLOEXEC) != 0) {
        close(link[0]);
        close(link[1]);
        return false;
    }
    HandedOn handedOn;
    const std::string inside = handedOn.add(link[1]), realErrors = handedOn.add(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    const std::string self = "/proc/self/fd/" + handedOn.add(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const auto textFd = [&handedOn](std::string_view text) { return handedOn.add(fileWith(text)); };
    const std::string arguments = handedOn.add(fileWith(endedByNul(bubblewrapArguments(plan, hasFreshProc, textFd))));
    handedOn.becomes(errors[1], STDERR_FILENO);
    started->link = link[0];
    started->errors = errors[0];
    const int error = handedOn.error() != 0 ? handedOn.error() : spawnBlocked(&started->pid, handedOn, {program, "--args", arguments, "--", self, insideWord, inside, realErrors, hasFreshProc ? "fresh" : "shared", plan.doors.devices.empty() ? "hide" : "keep"}, variables);
    if (error == 0)
        return true;
    close(link[0]);
    close(errors[0]);
    *started = {};
    errno = error;
    return false;
}

std::set<int> openDescriptors()
{
    std::set<int> found;
    DIR *const folder = opendir("/proc/self/fd");
    for (const dirent *entry = nullptr; folder && (entry = readdir(folder)) != nullptr;) {
        const int fd = std::atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != dirfd(folder))
            found.insert(fd);
    }
    if (folder)
        closedir(folder);
    return found;
}

void closeAllBut(const std::set<int> &inherited)
{
    for (const int fd : openDescriptors()) {
        if (inherited.count(fd) == 0)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

void closeInheritedExceptPipes()
{
    for (const int fd : openDescriptors()) {
        struct stat about = {};
        if (fstat(fd, &about) == 0 && !S_ISFIFO(about.st_mode))
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

std::string folderAmongStandard()
{
    static const char *const names[] = {"standard input", "standard output", "standard error"};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        struct stat about = {};
        if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode))
            return std::string(names[fd]) + " is a folder, through which the command could leave its isolation";
    }
    return {};
}

} // namespace llmproxy
