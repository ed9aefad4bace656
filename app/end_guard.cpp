// SPDX-License-Identifier: GPL-3.0-only
#include "end_guard.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr char released = '!';

// The terminal's signals, its hang-up and whoever waits for our output's end must not see this process.
void detach()
{
    setsid();
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
        std::signal(number, SIG_IGN);
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        dup2(nowhere, fd);
}

std::string readAll(int fd)
{
    std::string text;
    std::array<char, 128> buffer;
    while (true) {
        const ssize_t got = read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return text;
        text.append(buffer.data(), static_cast<size_t>(got));
    }
}

} // namespace

EndGuard::EndGuard(const std::function<void(const std::string &what)> &cleanUp)
{
    std::array<int, 2> ends = {-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        return;
    m_pid = fork();
    if (m_pid == 0) {
        close(ends[1]);
        detach();
        const std::string told = readAll(ends[0]);
        if (!told.empty() && told.back() != released)
            cleanUp(told);
        _exit(0);
    }
    close(ends[0]);
    m_fd = ends[1];
}

EndGuard::~EndGuard()
{
    if (m_fd >= 0)
        close(m_fd);
    if (m_pid > 0)
        waitpid(m_pid, nullptr, 0);
}

void EndGuard::send(const std::string &text) const
{
    if (m_fd >= 0 && write(m_fd, text.data(), text.size()) < 0)
        return; // the guard is gone, and with it only the clean-up after a SIGKILL
}

void EndGuard::protect(const std::string &what)
{
    send(what);
}

void EndGuard::release()
{
    send(std::string(1, released));
}

} // namespace llmproxy
