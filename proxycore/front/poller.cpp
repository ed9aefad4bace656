// SPDX-License-Identifier: GPL-3.0-only
#include "front/poller.h"

#include "base/clock.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace llmproxy {

Timer::Timer(Poller &poller, std::function<void()> onTimeout, Breakable *owner)
    : m_poller(poller), m_onTimeout(std::move(onTimeout)), m_owner(owner)
{
}

Timer::~Timer()
{
    m_poller.dropTimer(this);
}

void Timer::start(int64_t afterMs)
{
    m_dueUs = m_poller.m_turnUs + std::max<int64_t>(afterMs, 0) * 1000;
    const bool earlier = m_queuedMs > 0 && (afterMs <= 0 || m_dueUs <= (m_queuedMs - 1) * 1000);
    if (m_queuedMs == 0 || earlier)
        m_poller.queueTimer(this, afterMs <= 0);
}

Poller::Poller()
    : m_epoll(epoll_create1(EPOLL_CLOEXEC)), m_wakeFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), m_ready(256), m_wheel(slots),
      m_turnUs(Clock::steadyUs()), m_wheelMs(m_turnUs / 1000)
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

void Poller::queueTimer(Timer *timer, bool now)
{
    dropTimer(timer);
    // In the first millisecond that is wholly past its time, but not further than the wheel turns.
    timer->m_queuedMs = now ? soon : std::clamp((timer->m_dueUs + 999) / 1000, m_wheelMs + 1, m_wheelMs + slots - 1);
    Slot &slot = slotOf(*timer);
    timer->m_previous = slot.last;
    (slot.last ? slot.last->m_next : slot.first) = timer;
    slot.last = timer;
    if (!now)
        m_used[static_cast<size_t>(timer->m_queuedMs % slots) / 64] |= uint64_t{1} << (timer->m_queuedMs % 64);
}

void Poller::dropTimer(Timer *timer)
{
    if (timer->m_queuedMs == 0)
        return;
    Slot &slot = slotOf(*timer);
    (timer->m_previous ? timer->m_previous->m_next : slot.first) = timer->m_next;
    (timer->m_next ? timer->m_next->m_previous : slot.last) = timer->m_previous;
    if (timer->m_queuedMs != soon && !slot.first)
        m_used[static_cast<size_t>(timer->m_queuedMs % slots) / 64] &= ~(uint64_t{1} << (timer->m_queuedMs % 64));
    timer->m_previous = timer->m_next = nullptr;
    timer->m_queuedMs = 0;
}

int Poller::nextTimeoutMs() const
{
    if (m_soon.first)
        return 0;
    const auto from = static_cast<size_t>((m_wheelMs + 1) % slots);
    for (size_t looked = 0; looked <= m_used.size(); ++looked) {
        const size_t word = (from / 64 + looked) % m_used.size();
        uint64_t bits = m_used[word];
        if (looked == 0)
            bits &= ~uint64_t{0} << (from % 64);
        if (bits == 0)
            continue;
        const auto slot = static_cast<int64_t>(word * 64) + std::countr_zero(bits);
        const int64_t dueMs = m_wheelMs + 1 + (slot - static_cast<int64_t>(from) + slots) % slots;
        return static_cast<int>(std::max<int64_t>(dueMs - Clock::steadyUs() / 1000, 0));
    }
    return -1;
}

void Poller::fireTimers()
{
    fireSoon();
    const int64_t nowUs = m_turnUs = Clock::steadyUs();
    const int64_t nowMs = nowUs / 1000;
    // After a long turn, once around is all there is.
    m_wheelMs = std::max(m_wheelMs, nowMs - slots);
    while (m_wheelMs < nowMs) {
        const auto at = static_cast<size_t>(++m_wheelMs % slots);
        if ((m_used[at / 64] & (uint64_t{1} << (at % 64))) == 0)
            continue;
        while (Timer *timer = m_wheel[at].first) // each may drop any other; what is queued meanwhile is in another slot
            fire(timer, nowUs);
    }
}

// What these start anew waits for the next turn: sockets come in between.
void Poller::fireSoon()
{
    size_t count = 0;
    for (Timer *timer = m_soon.first; timer; timer = timer->m_next)
        ++count;
    for (; count > 0 && m_soon.first; --count)
        fire(m_soon.first, Clock::steadyUs());
}

void Poller::fire(Timer *timer, int64_t nowUs)
{
    dropTimer(timer);
    if (timer->m_dueUs == 0)
        return;
    if (timer->m_dueUs > nowUs) { // further away than the wheel turns, or moved there meanwhile
        queueTimer(timer, false);
        return;
    }
    timer->m_dueUs = 0;
    runFor(timer->m_owner, timer->m_onTimeout); // the owner lives to the end of the turn, the timer may not
}

void Poller::runPosted()
{
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard guard(m_lock);
        work.swap(m_posted);
    }
    for (auto &item : work)
        guarded("poller", item);
}

void Poller::runDeferred()
{
    while (!m_deferred.empty() || !m_doomed.empty()) {
        std::vector<std::function<void()>> work;
        work.swap(m_deferred);
        std::vector<std::unique_ptr<Deletable>> doomed;
        doomed.swap(m_doomed);
        doomed.clear(); // handlers before their connections: a destructor may still look at its stream
        for (auto &item : work)
            guarded("poller", item);
    }
}

void Poller::turn()
{
    m_readyCount = epoll_wait(m_epoll, m_ready.data(), static_cast<int>(m_ready.size()), nextTimeoutMs());
    m_turnUs = Clock::steadyUs();
    bool woken = false;
    for (m_readyAt = 0; m_readyAt < m_readyCount;) {
        const epoll_event event = m_ready[static_cast<size_t>(m_readyAt++)];
        if (event.data.ptr == nullptr)
            woken = true;
        else if (event.events != 0)
            runFor(static_cast<PollHandler *>(event.data.ptr), [&event] { static_cast<PollHandler *>(event.data.ptr)->onReady(event.events); });
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

void Poller::run()
{
    m_thread = static_cast<uint64_t>(pthread_self());
    while (!m_stop)
        turn();
    runPosted();
    runDeferred();
}

} // namespace llmproxy
