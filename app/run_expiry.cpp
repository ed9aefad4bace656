// SPDX-License-Identifier: GPL-3.0-only
#include "run_expiry.h"

#include "base/threads.h"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace llmproxy {

RunExpiry::RunExpiry(int64_t atWallMs, std::function<void()> onEnd)
    : m_timer(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC)), m_stop(eventfd(0, EFD_CLOEXEC))
{
    itimerspec at = {};
    at.it_value = {atWallMs / 1000, (atWallMs % 1000) * 1'000'000};
    timerfd_settime(m_timer, TFD_TIMER_ABSTIME, &at, nullptr);
    tryThread(m_thread, "token-expiry", [timer = m_timer, stop = m_stop, end = std::move(onEnd)] {
        pollfd both[] = {{timer, POLLIN, 0}, {stop, POLLIN, 0}};
        while (poll(both, 2, -1) < 0 && errno == EINTR) {
        }
        if (both[1].revents == 0)
            end();
    });
}

RunExpiry::~RunExpiry()
{
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_stop, &one, sizeof one);
    if (m_thread.joinable())
        m_thread.join();
    close(m_timer);
    close(m_stop);
}

} // namespace llmproxy
