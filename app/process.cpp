// SPDX-License-Identifier: GPL-3.0-only
#include "process.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"

#include <climits>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int64_t sameRequestUs = 2'000'000;

sigset_t setOf(std::initializer_list<int> signals)
{
    sigset_t set;
    sigemptyset(&set);
    for (const int number : signals)
        sigaddset(&set, number);
    return set;
}

// As the signal would have ended it: the caller's shell sees which one it was.
void endBy(int signal)
{
    logFatal("stopped at once by a second signal; running requests were cut off", {{"signal", std::to_string(signal)}});
    std::signal(signal, SIG_DFL);
    const sigset_t set = setOf({signal});
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    kill(getpid(), signal);
}

void watchSignals(int signals, int done)
{
    const int64_t beganUs = Clock::steadyUs();
    pollfd waited[] = {{signals, POLLIN, 0}, {done, POLLIN, 0}};
    while (poll(waited, std::size(waited), -1) >= 0 || errno == EINTR) {
        if (waited[1].revents != 0)
            return;
        signalfd_siginfo info = {};
        const bool read = ::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
        if (read && Clock::steadyUs() - beganUs >= sameRequestUs)
            endBy(static_cast<int>(info.ssi_signo));
    }
}

} // namespace

void protectMemory()
{
#ifndef __SANITIZE_ADDRESS__ // LeakSanitizer attaches to the process to look for leaks
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void forbidCoreDumps()
{
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

long liftOpenFiles()
{
    rlimit files = {};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur == RLIM_INFINITY ? LONG_MAX : static_cast<long>(files.rlim_cur);
}

sigset_t blockSignals(std::initializer_list<int> signals)
{
    std::signal(SIGPIPE, SIG_IGN);
    const sigset_t set = setOf(signals);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

SecondSignal::SecondSignal()
{
    const sigset_t ends = setOf({SIGTERM, SIGINT});
    m_signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    m_done = eventfd(0, EFD_CLOEXEC);
    // Without a thread to be had the stop goes on by itself, within its own limit of time.
    tryThread(m_thread, "signals", [signals = m_signals, done = m_done] { watchSignals(signals, done); });
}

SecondSignal::~SecondSignal()
{
    eventfd_write(m_done, 1);
    if (m_thread.joinable())
        m_thread.join();
    close(m_done);
    close(m_signals);
}

} // namespace llmproxy
