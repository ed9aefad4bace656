// SPDX-License-Identifier: GPL-3.0-only
// One epoll set and its thread: file descriptors, timers, posted work. Owned by an engine thread; all
// methods but post() and stop() belong to that thread. What a callback throws ends here, with a line in the log. Level-triggered. A raw epoll set because Qt's
// dispatcher polls every socket each turn: 30 µs per request with none idle, 250 µs with 4,000.
#pragma once

#include "base/threads.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <sys/epoll.h>
#include <vector>

namespace llmproxy {

// What an exception out of a callback breaks off.
class Breakable
{
public:
    // The callback threw: what it was in the middle of is not known. Closes what it stands for, or nothing else ever does. Objects that end
    // here end with the turn (Posted).
    virtual void onBroken() noexcept {}

protected:
    ~Breakable() = default;
};

class PollHandler : public Breakable
{
public:
    virtual ~PollHandler() = default;
    virtual void onReady(uint32_t events) = 0;
};

// What may still be on the stack when its time is over.
class Deletable
{
public:
    virtual ~Deletable() = default;
};

// Calls it; an exception is logged, and breaks off its owner. For what is posted or deferred about one connection. owner: as of a Timer. No
// std::function: this runs several times a request.
template <typename Work>
void runFor(Breakable *owner, Work &&work) noexcept
{
    try {
        work();
    } catch (...) {
        logException("poller");
        if (owner)
            owner->onBroken();
    }
}

class Poller;

// Owns an object that may be on the stack when its owner lets go of it: reset() never destroys it, its end is posted to the end
// of the turn. When the owner itself dies, which such an end or the end of the thread alone brings about, nobody is on the stack.
template <typename T>
class Posted
{
public:
    explicit Posted(Poller &poller) : m_poller(poller) {}
    Posted(const Posted &) = delete;
    Posted &operator=(const Posted &) = delete;
    Posted &operator=(std::unique_ptr<T> object);
    void reset() { *this = std::unique_ptr<T>(); }
    T *operator->() const { return m_object.get(); }
    T &operator*() const { return *m_object; }
    T *get() const { return m_object.get(); }
    explicit operator bool() const { return m_object != nullptr; }

private:
    Poller &m_poller;
    std::unique_ptr<T> m_object;
};

// Fires once per start(). Moving the deadline further away costs no tree operation.
class Timer
{
public:
    // owner: broken off when onTimeout throws, for its deadline will not come again. Null: the exception is logged, and that is all.
    Timer(Poller &poller, std::function<void()> onTimeout, Breakable *owner = nullptr);
    ~Timer();
    Timer(const Timer &) = delete;
    Timer &operator=(const Timer &) = delete;
    void start(int64_t afterMs);
    void stop() { m_dueUs = 0; }
    bool isActive() const { return m_dueUs != 0; }

private:
    friend class Poller;
    Poller &m_poller;
    std::function<void()> m_onTimeout;
    Breakable *const m_owner;
    int64_t m_dueUs = 0;    // 0: not active
    int64_t m_queuedMs = 0; // when the poller looks at it; 0: not queued, soon: at the end of this turn
    Timer *m_previous = nullptr, *m_next = nullptr; // in the wheel's slot
};

class Poller
{
public:
    Poller();
    ~Poller();
    Poller(const Poller &) = delete;
    Poller &operator=(const Poller &) = delete;

    void add(int fd, uint32_t events, PollHandler *handler);
    void change(int fd, uint32_t events, PollHandler *handler);
    // Also drops events of this handler that are still to be delivered in this turn.
    void remove(int fd, PollHandler *handler);

    // Runs work on this thread, in order. Any thread.
    void post(std::function<void()> work);
    // Runs at the end of this turn, when what was posted to its end (Posted) is gone. Own thread.
    void defer(std::function<void()> work) { m_deferred.push_back(std::move(work)); }
    void run();  // until stop()
    void stop(); // any thread
    bool isOwnThread() const;

private:
    friend class Timer;
    template <typename T>
    friend class Posted;
    void queueTimer(Timer *timer, bool now);
    void dropTimer(Timer *timer);
    int nextTimeoutMs() const;
    void turn();
    void fireTimers();
    void runPosted();
    void runDeferred();

    int m_epoll = -1;
    int m_wakeFd = -1;
    std::vector<epoll_event> m_ready;
    int m_readyCount = 0;
    int m_readyAt = 0;
    // A wheel of one slot a millisecond: a timer goes in and out without an allocation or a tree, three times a request.
    // One that is further away than the wheel turns is looked at once a turn.
    static constexpr int64_t slots = 4096;
    struct Slot { Timer *first = nullptr, *last = nullptr; };
    static constexpr int64_t soon = -1;
    Slot &slotOf(const Timer &timer) { return timer.m_queuedMs == soon ? m_soon : m_wheel[static_cast<size_t>(timer.m_queuedMs % slots)]; }
    void fire(Timer *timer, int64_t nowUs);
    void fireSoon();
    Slot m_soon; // start(0): as soon as what runs now is done
    std::vector<Slot> m_wheel;
    std::array<uint64_t, slots / 64> m_used{}; // slots with timers
    int64_t m_turnUs;  // when this turn began: timers start from it, for a clock reading each was 1 % of a request
    int64_t m_wheelMs; // up to here all have fired
    std::vector<std::function<void()>> m_deferred;
    std::vector<std::unique_ptr<Deletable>> m_doomed;
    std::mutex m_lock;
    std::vector<std::function<void()>> m_posted;
    bool m_stop = false;
    uint64_t m_thread = 0;
};

template <typename T>
Posted<T> &Posted<T>::operator=(std::unique_ptr<T> object)
{
    if (m_object)
        m_poller.m_doomed.push_back(std::move(m_object));
    m_object = std::move(object);
    return *this;
}

} // namespace llmproxy
