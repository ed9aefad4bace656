// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/secret_cache.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"

#include <algorithm>
#include <condition_variable>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

namespace llmproxy {

namespace {

constexpr int64_t freshMs = 60'000;
constexpr int64_t refreshMs = freshMs / 2;
constexpr int64_t firstRetryMs = 1'000, lastRetryMs = 15'000; // while a source is away, doubled each time
constexpr int64_t keptMs = 30'000; // unused: checked a moment before it is saved, or by somebody who never saves it
constexpr auto tickLength = std::chrono::milliseconds(250);

struct Waiter
{
    int64_t untilUs = 0;
    std::function<void()> then;
};

struct Entry
{
    SharedSecret value;
    SecretState state = SecretState::Pending;
    int64_t readMs = 0;   // of value; these are steady
    int64_t peekedMs = 0; // last
    int64_t askAgainMs = 0;
    std::string_view problem = {}; // of the last answer
    int failures = 0;     // in a row
    bool isAsked = false; // the source has not answered yet
    bool isQuiet = false; // the first answer comes while peek() waits for it to be asked
    std::vector<Waiter> waiters;
};

bool isSame(const SharedSecret &a, const SharedSecret &b)
{
    return a == b || (a && b && a->equals(b->reveal()));
}

} // namespace

struct SecretCache::Shared
{
    explicit Shared(int64_t stale) : staleMaxMs(stale) {}

    const int64_t staleMaxMs;
    std::mutex lock;
    std::condition_variable wake;
    std::map<std::string, Entry> entries;
    bool stopping = false;
    int telling = 0; // of changed and of waiters, that are not through yet
    std::mutex tellLock; // while changed runs
    Changed changed;

    void tell(const std::string &reference);
    void answered(const std::string &reference, FetchedSecret fetched);
    static bool isOlder(const Entry &entry, int64_t nowMs, int64_t ms) { return nowMs - entry.readMs >= ms; }
};

void SecretCache::Shared::tell(const std::string &reference)
{
    const std::lock_guard guard(tellLock);
    if (changed)
        changed(reference);
}

void SecretCache::Shared::answered(const std::string &reference, FetchedSecret fetched)
{
    SharedSecret &value = fetched.value;
    std::vector<Waiter> waiters;
    bool isNews = false, isNewProblem = false;
    {
        const std::lock_guard guard(lock);
        const auto found = entries.find(reference);
        if (found == entries.end())
            return; // forgotten meanwhile
        Entry &entry = found->second;
        const int64_t now = Clock::steadyMs();
        const SecretState before = entry.state;
        entry.isAsked = false;
        isNewProblem = !fetched.problem.empty() && entry.problem != fetched.problem;
        entry.problem = fetched.problem;
        if (value) {
            isNews = !isSame(entry.value, value);
            entry.readMs = now;
            entry.failures = 0;
            entry.askAgainMs = now + refreshMs;
            entry.state = SecretState::Ready;
            if (isNews)
                entry.value = std::move(value);
        } else {
            entry.askAgainMs = now + std::min(firstRetryMs << std::min(entry.failures++, 5), lastRetryMs);
            if (!entry.value || isOlder(entry, now, staleMaxMs)) {
                entry.value.reset();
                entry.state = SecretState::Away;
            }
        }
        isNews = (isNews || entry.state != before) && !entry.isQuiet;
        ++telling;
        waiters.swap(entry.waiters);
    }
    wake.notify_all();
    if (isNewProblem)
        logWarn("the value of a secret reference is not a credential", {{"reference", reference}, {"problem", std::string(fetched.problem)}});
    if (isNews)
        tell(reference);
    for (const Waiter &waiter : waiters)
        waiter.then();
    const std::lock_guard guard(lock);
    --telling;
    wake.notify_all();
}

SecretCache::SecretCache(SecretSources sources, int64_t staleMaxMs)
    : m_sources(std::move(sources)), m_shared(std::make_shared<Shared>(staleMaxMs))
{
}

SecretCache::~SecretCache()
{
    stop();
}

void SecretCache::observe(InUse inUse, Changed changed)
{
    m_inUse = std::move(inUse);
    const std::lock_guard guard(m_shared->tellLock);
    m_shared->changed = std::move(changed);
}

void SecretCache::start()
{
    m_thread = makeThread("secrets", [this] { run(); });
}

void SecretCache::stop()
{
    std::vector<Waiter> waiters;
    {
        const std::lock_guard guard(m_shared->lock);
        m_shared->stopping = true;
        for (auto &[reference, entry] : m_shared->entries) {
            std::move(entry.waiters.begin(), entry.waiters.end(), std::back_inserter(waiters));
            entry.waiters.clear();
        }
        m_shared->wake.notify_all();
    }
    if (m_thread.joinable())
        m_thread.join();
    {
        const std::lock_guard guard(m_shared->tellLock);
        m_shared->changed = nullptr;
    }
    {
        std::unique_lock guard(m_shared->lock);
        m_shared->wake.wait(guard, [this] { return m_shared->telling == 0; });
    }
    for (const Waiter &waiter : waiters)
        waiter.then();
}

SecretSource *SecretCache::sourceOf(const std::string &reference) const
{
    const auto found = std::find_if(m_sources.begin(), m_sources.end(), [&](const auto &source) { return reference.starts_with(source->scheme()); });
    return found == m_sources.end() ? nullptr : found->get();
}

Outcome SecretCache::check(const std::string &reference) const
{
    if (const SecretSource *const source = sourceOf(reference))
        return source->check(reference);
    if (!isReference(reference))
        return invalidReference("Not a reference; env:NAME and file:/path are known.");
    return invalidReference("References of the kind '" + reference.substr(0, reference.find(':') + 1) + "' are not available in this version; use env: or file:.");
}

// Its entry says that it is asked.
void SecretCache::ask(const std::string &reference)
{
    SecretSource *const source = sourceOf(reference);
    if (!source || source->check(reference)) {
        m_shared->answered(reference, nullptr);
        return;
    }
    source->fetch(reference, [shared = m_shared, reference](FetchedSecret fetched) { shared->answered(reference, std::move(fetched)); });
}

SecretCache::Peeked SecretCache::peek(const std::string &reference)
{
    {
        const std::lock_guard guard(m_shared->lock);
        const auto [found, isNew] = m_shared->entries.try_emplace(reference);
        Entry &entry = found->second;
        entry.peekedMs = Clock::steadyMs();
        if (!isNew)
            return {entry.value, entry.state, entry.problem};
        entry.isAsked = entry.isQuiet = true;
        m_shared->wake.notify_all();
    }
    ask(reference);
    const std::lock_guard guard(m_shared->lock);
    const auto found = m_shared->entries.find(reference);
    if (found == m_shared->entries.end())
        return {nullptr, SecretState::Pending, {}};
    found->second.isQuiet = false;
    return {found->second.value, found->second.state, found->second.problem};
}

void SecretCache::whenAnswered(const std::string &reference, int64_t atMostMs, std::function<void()> then)
{
    forgetProblem(reference);
    peek(reference);
    {
        const std::lock_guard guard(m_shared->lock);
        const auto found = m_shared->entries.find(reference);
        if (found != m_shared->entries.end() && found->second.state == SecretState::Pending && !m_shared->stopping) {
            found->second.waiters.push_back({Clock::steadyUs() + atMostMs * 1000, std::move(then)});
            return;
        }
    }
    then();
}

// Somebody has fixed it, perhaps, and tries again.
void SecretCache::forgetProblem(const std::string &reference)
{
    const std::lock_guard guard(m_shared->lock);
    const auto found = m_shared->entries.find(reference);
    if (found != m_shared->entries.end() && !found->second.problem.empty() && !found->second.value && !found->second.isAsked && found->second.waiters.empty())
        m_shared->entries.erase(found);
}

SecretCache::Peeked SecretCache::wait(const std::string &reference, int64_t atMostMs, const std::atomic<bool> &cancelled)
{
    const int64_t untilUs = Clock::steadyUs() + atMostMs * 1000;
    forgetProblem(reference);
    Peeked now = peek(reference);
    std::unique_lock guard(m_shared->lock);
    while (now.state == SecretState::Pending && !cancelled && !m_shared->stopping && Clock::steadyUs() < untilUs) {
        m_shared->wake.wait_for(guard, tickLength);
        const auto found = m_shared->entries.find(reference);
        if (found == m_shared->entries.end())
            break;
        now = {found->second.value, found->second.state, found->second.problem};
    }
    return now;
}

void SecretCache::settle(int64_t atMostMs)
{
    std::unique_lock guard(m_shared->lock);
    m_shared->wake.wait_for(guard, std::chrono::milliseconds(atMostMs), [this] {
        return m_shared->telling == 0 && std::none_of(m_shared->entries.begin(), m_shared->entries.end(), [](const auto &one) { return one.second.state == SecretState::Pending; });
    });
}

void SecretCache::tick()
{
    const std::set<std::string> inUse = m_inUse ? m_inUse() : std::set<std::string>();
    std::vector<std::string> due, tooOld;
    std::vector<Waiter> late;
    {
        const std::lock_guard guard(m_shared->lock);
        const int64_t nowMs = Clock::steadyMs(), nowUs = Clock::steadyUs();
        for (auto at = m_shared->entries.begin(); at != m_shared->entries.end();) {
            auto &[reference, entry] = *at;
            const auto firstLate = std::stable_partition(entry.waiters.begin(), entry.waiters.end(), [nowUs](const Waiter &one) { return one.untilUs > nowUs; });
            std::move(firstLate, entry.waiters.end(), std::back_inserter(late));
            entry.waiters.erase(firstLate, entry.waiters.end());
            const bool isDue = nowMs >= entry.askAgainMs, isUsed = inUse.contains(reference) || nowMs - entry.peekedMs < keptMs;
            if (isDue && !isUsed && !entry.isAsked && entry.waiters.empty()) {
                at = m_shared->entries.erase(at);
                continue;
            }
            // Its source does not answer at all, or not any more.
            if (entry.value && Shared::isOlder(entry, nowMs, std::max(m_shared->staleMaxMs, freshMs))) {
                entry.value.reset();
                entry.state = SecretState::Away;
                tooOld.push_back(reference);
            }
            if (isDue && !std::exchange(entry.isAsked, true))
                due.push_back(reference);
            ++at;
        }
        for (const std::string &reference : inUse) { // forgotten just before it came into use
            const auto [found, isNew] = m_shared->entries.try_emplace(reference);
            if (isNew) {
                found->second.isAsked = true;
                due.push_back(reference);
            }
        }
    }
    for (const std::string &reference : tooOld)
        m_shared->tell(reference);
    for (const std::string &reference : due)
        ask(reference);
    for (const Waiter &waiter : late)
        waiter.then();
}

void SecretCache::run()
{
    while (true) {
        {
            // Without references nothing is due; with some, looking four times a second costs nothing that could be measured.
            std::unique_lock guard(m_shared->lock);
            if (m_shared->entries.empty())
                m_shared->wake.wait(guard, [this] { return m_shared->stopping || !m_shared->entries.empty(); });
            m_shared->wake.wait_for(guard, tickLength, [this] { return m_shared->stopping; });
            if (m_shared->stopping)
                return;
        }
        guarded("secrets", [this] { tick(); });
    }
}

} // namespace llmproxy
