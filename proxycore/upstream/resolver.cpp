// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/resolver.h"

#include "base/clock.h"
#include "base/threads.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <thread>
#include <unordered_map>
#include <utility>

namespace llmproxy {

namespace {

struct NameWaiter
{
    uint64_t ticket;
    Resolver::Done done;
};

struct ResolvedName
{
    std::vector<IpAddress> addresses; // of the last look-up that was good
    std::optional<int64_t> foundMs, failedMs, startedMs;
    bool hasFailedLast = false;
    bool isQueued = false, isRunning = false;
    std::vector<NameWaiter> waiters;

    bool isBusy() const { return isQueued || isRunning || !waiters.empty(); }
};

bool isWithin(const std::optional<int64_t> &sinceMs, int64_t nowMs, int64_t spanMs)
{
    return sinceMs && nowMs - *sinceMs < spanMs;
}

NameAnswer answerOf(const ResolvedName &name)
{
    return {name.addresses.empty() ? NameAnswer::Kind::Failed : NameAnswer::Kind::Found, name.addresses};
}

} // namespace

// EAI_AGAIN and the rest say nothing about the name: nobody answered, or we could not ask.
static bool saysUnknown(int error)
{
    return error == EAI_NONAME || error == EAI_NODATA;
}

NameLookUp systemLookUp(const std::string &name)
{
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo *list = nullptr;
    if (const int error = getaddrinfo(name.c_str(), nullptr, &hints, &list); error != 0)
        return {{}, saysUnknown(error)};
    std::vector<IpAddress> addresses;
    for (const addrinfo *one = list; one; one = one->ai_next) {
        const IpAddress address = IpAddress::fromSockaddr(one->ai_addr);
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
            addresses.push_back(address);
    }
    freeaddrinfo(list);
    return {std::move(addresses), false};
}

struct Resolver::State
{
    State(LookUp look, NowMs clock) : lookUp(std::move(look)), now(std::move(clock)) {}

    const LookUp lookUp;
    const NowMs now;
    mutable std::mutex lock;
    std::condition_variable wake;
    std::unordered_map<std::string, ResolvedName> names;
    std::unordered_map<uint64_t, std::string> tickets;
    std::deque<std::string> queue;
    uint64_t lastTicket = 0;
    size_t running = 0, suspectsRunning = 0;
    bool isEnding = false;
    std::array<std::thread, threadCount> threads;
    std::array<bool, threadCount> isLooking{};

    std::optional<NameAnswer> known(const ResolvedName &name) const;
    bool enqueue(const std::string &text, ResolvedName &name);
    bool makeRoom();
    std::deque<std::string>::iterator nextInQueue();
    void work(size_t number);
    void finish(const std::string &text, NameLookUp found);
    void dropStale(ResolvedName &name) const;
    void end();
};

void Resolver::State::dropStale(ResolvedName &name) const
{
    if (!isWithin(name.foundMs, now(), staleMs))
        name.addresses.clear();
}

// What may be told without waiting: a fresh answer, a fresh failure, or the last good answer while its successor is not to be had.
std::optional<NameAnswer> Resolver::State::known(const ResolvedName &name) const
{
    const int64_t nowMs = now();
    const bool hasAnswer = !name.addresses.empty();
    if (hasAnswer && isWithin(name.foundMs, nowMs, keptMs))
        return answerOf(name);
    if (name.hasFailedLast && (hasAnswer || isWithin(name.failedMs, nowMs, failureKeptMs)))
        return answerOf(name);
    if (hasAnswer && name.isRunning && !isWithin(name.startedMs, nowMs, patienceMs))
        return answerOf(name);
    return {};
}

bool Resolver::State::enqueue(const std::string &text, ResolvedName &name)
{
    if (name.isQueued || name.isRunning)
        return true;
    if (queue.size() >= mostQueued)
        return false;
    name.isQueued = true;
    queue.push_back(text);
    wake.notify_one();
    return true;
}

// Names that nobody waits for go when there are too many: base URLs change, and not often.
bool Resolver::State::makeRoom()
{
    if (names.size() < mostNames)
        return true;
    std::erase_if(names, [](const auto &item) { return !item.second.isBusy(); });
    return names.size() < mostNames;
}

// Names that failed last may hang again: they never take more than half of the threads.
std::deque<std::string>::iterator Resolver::State::nextInQueue()
{
    return std::find_if(queue.begin(), queue.end(), [this](const std::string &text) { return suspectsRunning < mostSuspects || !names[text].hasFailedLast; });
}

void Resolver::State::work(size_t number)
{
    std::unique_lock guard(lock);
    while (true) {
        wake.wait(guard, [this] { return isEnding || nextInQueue() != queue.end(); });
        if (isEnding)
            return;
        const auto next = nextInQueue();
        const std::string text = std::move(*next);
        queue.erase(next);
        ResolvedName &name = names[text];
        const bool isSuspect = name.hasFailedLast;
        name.isQueued = false;
        name.isRunning = isLooking[number] = true;
        name.startedMs = now();
        ++running;
        suspectsRunning += isSuspect ? 1 : 0;
        guard.unlock();
        NameLookUp found = lookUp(text);
        guard.lock();
        isLooking[number] = false;
        --running;
        suspectsRunning -= isSuspect ? 1 : 0;
        if (isEnding)
            return;
        finish(text, std::move(found));
        wake.notify_all(); // a suspect may go now
    }
}

void Resolver::State::finish(const std::string &text, NameLookUp found)
{
    ResolvedName &name = names[text];
    name.isRunning = false;
    name.hasFailedLast = found.addresses.empty();
    if (name.hasFailedLast)
        name.failedMs = now();
    else
        name.foundMs = now();
    if (!name.hasFailedLast || found.isUnknown)
        name.addresses = std::move(found.addresses);
    dropStale(name);
    const NameAnswer answer = answerOf(name);
    for (const NameWaiter &waiter : std::exchange(name.waiters, {})) {
        tickets.erase(waiter.ticket);
        waiter.done(answer);
    }
}

Resolver::Resolver(LookUp lookUp) : Resolver(std::move(lookUp), &Clock::steadyMs)
{
}

Resolver::Resolver(LookUp lookUp, NowMs now) : m_state(std::make_shared<State>(std::move(lookUp), std::move(now)))
{
    try {
        for (size_t number = 0; number < threadCount; ++number)
            m_state->threads[number] = makeThread("resolver", [state = m_state, number] { state->work(number); });
    } catch (...) {
        m_state->end(); // nobody else ends those that were made
        throw;
    }
}

Resolver::~Resolver()
{
    m_state->end();
}

// Once.
void Resolver::State::end()
{
    std::array<std::thread, threadCount> made;
    std::array<bool, threadCount> wereLooking{};
    {
        const std::lock_guard guard(lock);
        isEnding = true;
        names.clear();
        tickets.clear();
        made.swap(threads); // else a thread that stays behind would own itself
        wereLooking = isLooking;
    }
    wake.notify_all();
    for (size_t number = 0; number < threadCount; ++number) {
        if (made[number].joinable())
            wereLooking[number] ? made[number].detach() : made[number].join();
    }
}

std::optional<NameAnswer> Resolver::resolve(const std::string &name, Done done, uint64_t *ticket)
{
    const std::lock_guard guard(m_state->lock);
    if (m_state->names.find(name) == m_state->names.end() && !m_state->makeRoom())
        return NameAnswer{NameAnswer::Kind::Busy, {}};
    ResolvedName &entry = m_state->names[name];
    m_state->dropStale(entry);
    const std::optional<NameAnswer> known = m_state->known(entry);
    const bool isFresh = isWithin(entry.foundMs, m_state->now(), keptMs) || (entry.hasFailedLast && isWithin(entry.failedMs, m_state->now(), failureKeptMs));
    const bool isComing = isFresh || m_state->enqueue(name, entry);
    if (known)
        return known;
    if (!isComing)
        return entry.addresses.empty() ? NameAnswer{NameAnswer::Kind::Busy, {}} : answerOf(entry);
    *ticket = ++m_state->lastTicket;
    m_state->tickets[*ticket] = name;
    entry.waiters.push_back({*ticket, std::move(done)});
    return {};
}

void Resolver::cancel(uint64_t ticket)
{
    const std::lock_guard guard(m_state->lock);
    const auto found = m_state->tickets.find(ticket);
    if (found == m_state->tickets.end())
        return;
    const std::string text = std::move(found->second);
    m_state->tickets.erase(found);
    ResolvedName &name = m_state->names[text];
    std::erase_if(name.waiters, [ticket](const NameWaiter &waiter) { return waiter.ticket == ticket; });
    if (name.waiters.empty() && name.isQueued) { // nobody wants it any more
        name.isQueued = false;
        std::erase(m_state->queue, text);
    }
}

std::optional<NameAnswer> Resolver::lastGood(const std::string &name) const
{
    const std::lock_guard guard(m_state->lock);
    const auto found = m_state->names.find(name);
    if (found == m_state->names.end())
        return {};
    m_state->dropStale(found->second);
    if (found->second.addresses.empty())
        return {};
    return answerOf(found->second);
}

NameAnswer Resolver::wait(const std::string &name, int64_t timeoutMs, const std::function<bool()> &isCancelled)
{
    struct Answer
    {
        std::mutex lock;
        std::condition_variable wake;
        std::optional<NameAnswer> answer;
    };
    const auto shared = std::make_shared<Answer>();
    uint64_t ticket = 0;
    const auto told = [shared](const NameAnswer &answer) {
        const std::lock_guard guard(shared->lock);
        shared->answer = answer;
        shared->wake.notify_one();
    };
    if (auto known = resolve(name, told, &ticket))
        return *known;
    const auto answered = [shared](std::chrono::milliseconds most) -> std::optional<NameAnswer> {
        std::unique_lock guard(shared->lock);
        shared->wake.wait_for(guard, most, [&] { return shared->answer.has_value(); });
        return shared->answer;
    };
    const int64_t beganMs = Clock::steadyMs();
    while (true) {
        if (auto answer = answered(std::chrono::milliseconds(100)))
            return *answer;
        const int64_t waitedMs = Clock::steadyMs() - beganMs;
        const auto last = waitedMs >= patienceMs ? lastGood(name) : std::nullopt;
        if (last || waitedMs >= timeoutMs || isCancelled()) {
            cancel(ticket);
            return last ? *last : NameAnswer{waitedMs >= timeoutMs ? NameAnswer::Kind::TimedOut : NameAnswer::Kind::Failed, {}};
        }
    }
}

} // namespace llmproxy
