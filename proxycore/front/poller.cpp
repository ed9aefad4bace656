// SPDX-License-Identifier: GPL-3.0-only
#include "front/poller.h"

#include "base/clock.h"

#include <algorithm>
#include <cstdlib>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace llmproxy {

Timer::Timer(Poller &poller, std::function<void()> onTimeout)
    : m_poller(poller), m_onTimeout(std::move(onTimeout))
{
}

Timer::~Timer()
{
    m_poller.dropTimer(this);
}

void Timer::start(int64_t afterMs)
{
    m_dueUs = Clock::steadyUs() + std::max<int64_t>(afterMs, 0) * 1000;
    if (m_queuedUs == 0 || m_dueUs < m_queuedUs)
        m_poller.queueTimer(this);
}

Poller::Poller() : m_epoll(epoll_create1(EPOLL_CLOEXEC)), m_wakeFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), m_ready(256)
{
    if (m_epoll < 0 || m_wakeFd < 0)
        std::abort(); // out of descriptors before anything was opened
    add(m_wakeFd, EPOLLIN, nullptr);
}

Poller::~Poller()
{
    close(m_wakeFd);
    close(m_epoll);
}

void Poller::add(int fd, uint32_t events, PollHandler *handler)
{
    epoll_event event{};
    event.events = events;
    event.data.ptr = handler;
    epoll_ctl(m_epoll, EPOLL_CTL_ADD, fd, &event);
}

void Poller::change(int fd, uint32_t events, PollHandler *handler)
{
    epoll_event event{};
    event.events = events;
    event.data.ptr = handler;
    epoll_ctl(m_epoll, EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd, PollHandler *handler)
{
    epoll_ctl(m_epoll, EPOLL_CTL_DEL, fd, nullptr);
    for (int i = m_readyAt; i < m_readyCount; ++i) {
        if (m_ready[static_cast<size_t>(i)].data.ptr == handler)
            m_ready[static_cast<size_t>(i)].events = 0;
    }
}

void Poller::post(std::function<void()> work)
{
    bool wake = false;
    {
        const std::lock_guard guard(m_lock);
        wake = m_posted.empty();
        m_posted.push_back(std::move(work));
    }
    if (wake) {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(m_wakeFd, &one, sizeof one);
    }
}

void Poller::stop()
{
    post([this] { m_stop = true; });
}

bool Poller::isOwnThread() const
{
    return m_thread == static_cast<uint64_t>(pthread_self());
}

void Poller::queueTimer(Timer *timer)
{
    dropTimer(timer);
    timer->m_queuedUs = timer->m_dueUs;
    m_timers.emplace(timer->m_queuedUs, timer);
}

void Poller::dropTimer(Timer *timer)
{
    if (timer->m_queuedUs != 0) {
        m_timers.erase({timer->m_queuedUs, timer});
        timer->m_queuedUs = 0;
    }
}

int Poller::nextTimeoutMs() const
{
    if (m_timers.empty())
        return -1;
    const int64_t waitUs = m_timers.begin()->first - Clock::steadyUs();
    return waitUs <= 0 ? 0 : static_cast<int>(std::min<int64_t>(waitUs / 1000 + 1, 60'000));
}

void Poller::fireTimers()
{
    if (m_timers.empty())
        return;
    const int64_t now = Clock::steadyUs();
    while (!m_timers.empty() && m_timers.begin()->first <= now) {
        Timer *timer = m_timers.begin()->second;
        m_timers.erase(m_timers.begin());
        timer->m_queuedUs = 0;
        if (timer->m_dueUs == 0)
            continue;
        if (timer->m_dueUs > now) { // was moved further away meanwhile
            queueTimer(timer);
            continue;
        }
        timer->m_dueUs = 0;
        timer->m_onTimeout();
    }
}

void Poller::runPosted()
{
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard guard(m_lock);
        work.swap(m_posted);
    }
    for (auto &item : work)
        item();
}

void Poller::runDeferred()
{
    while (!m_deferred.empty() || !m_doomed.empty()) {
        std::vector<std::function<void()>> work;
        work.swap(m_deferred);
        std::vector<std::unique_ptr<Deletable>> doomed;
        doomed.swap(m_doomed);
        for (auto &item : work)
            item();
    }
}

void Poller::run()
{
    m_thread = static_cast<uint64_t>(pthread_self());
    while (!m_stop) {
        m_readyCount = epoll_wait(m_epoll, m_ready.data(), static_cast<int>(m_ready.size()), nextTimeoutMs());
        bool woken = false;
        for (m_readyAt = 0; m_readyAt < m_readyCount;) {
            const epoll_event event = m_ready[static_cast<size_t>(m_readyAt++)];
            if (event.data.ptr == nullptr) {
                woken = true;
            } else if (event.events != 0) {
                static_cast<PollHandler *>(event.data.ptr)->onReady(event.events);
            }
        }
        m_readyCount = 0;
        if (woken) {
            uint64_t count = 0;
            [[maybe_unused]] const ssize_t got = read(m_wakeFd, &count, sizeof count);
            runPosted();
        }
        fireTimers();
        runDeferred();
    }
    runPosted();
    runDeferred();
}

} // namespace llmproxy
