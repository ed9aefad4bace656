// SPDX-License-Identifier: GPL-3.0-only
#include "audit/event_throttle.h"

#include "base/clock.h"

namespace llmproxy {

EventThrottle::EventThrottle(int64_t intervalMs, size_t mostKeys)
    : m_intervalMs(intervalMs), m_mostKeys(mostKeys)
{
}

bool EventThrottle::first(const std::string &key)
{
    const int64_t now = Clock::wallMs();
    const std::lock_guard guard(m_lock);
    // A clock that was set back makes all of them old.
    while (!m_order.empty() && (now - m_order.front().first >= m_intervalMs || now < m_order.front().first)) {
        m_keys.erase(m_order.front().second);
        m_order.pop_front();
    }
    if (m_keys.contains(key))
        return false;
    if (m_order.size() >= m_mostKeys) {
        m_keys.erase(m_order.front().second);
        m_order.pop_front();
    }
    m_keys.insert(key);
    m_order.emplace_back(now, key);
    return true;
}

AuthFailureAggregator::AuthFailureAggregator(int64_t intervalMs, size_t mostKeys)
    : m_intervalMs(intervalMs), m_mostKeys(mostKeys)
{
}

std::optional<int64_t> AuthFailureAggregator::failed(const std::string &address)
{
    const int64_t now = Clock::wallMs();
    const std::lock_guard guard(m_lock);
    const auto known = m_windows.find(address);
    const bool full = known == m_windows.end() && m_windows.size() >= m_mostKeys;
    const auto [at, opened] = full ? m_windows.try_emplace(std::string(), Window{now, 0})
                                   : m_windows.try_emplace(address, Window{now, 0});
    if (opened)
        return 1;
    ++at->second.waiting;
    return {};
}

std::vector<std::pair<std::string, int64_t>> AuthFailureAggregator::flush(int64_t nowMs, bool all)
{
    std::vector<std::pair<std::string, int64_t>> due;
    const std::lock_guard guard(m_lock);
    for (auto at = m_windows.begin(); at != m_windows.end();) {
        Window &window = at->second;
        const bool over = all || nowMs - window.sinceMs >= m_intervalMs || nowMs < window.sinceMs;
        if (over && window.waiting == 0) {
            at = m_windows.erase(at);
            continue;
        }
        if (over) {
            due.emplace_back(at->first, window.waiting);
            window = {nowMs, 0};
        }
        ++at;
    }
    return due;
}

} // namespace llmproxy
