// SPDX-License-Identifier: GPL-3.0-only
// Keeps the log from being filled from outside: reads are written once a minute (ruling 42), failed
// authentication once per address and minute with a count (ruling 41). Both hold a bounded number of
// keys. Thread: any, one lock each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace llmproxy {

constexpr int64_t throttleIntervalMs = 60'000;
constexpr size_t throttleMostKeys = 10'000;

class EventThrottle
{
public:
    explicit EventThrottle(int64_t intervalMs = throttleIntervalMs, size_t mostKeys = throttleMostKeys);
    // True when this key was not let through within the interval. Over the bound the oldest key is
    // forgotten: an event too many is better than one too few.
    bool first(const std::string &key);

private:
    const int64_t m_intervalMs;
    const size_t m_mostKeys;
    std::mutex m_lock;
    std::deque<std::pair<int64_t, std::string>> m_order; // oldest first
    std::unordered_set<std::string> m_keys;
};

class AuthFailureAggregator
{
public:
    explicit AuthFailureAggregator(int64_t intervalMs = throttleIntervalMs, size_t mostKeys = throttleMostKeys);
    // Counts one failure of this address. The count to write now: 1 for the first of an interval; nothing
    // when it waits for flush().
    std::optional<int64_t> failed(const std::string &address);
    // Address and count of what is due, to be written by the caller; every few seconds. The address is
    // empty for those beyond the bound. With all: everything that waits, for the end of the program.
    std::vector<std::pair<std::string, int64_t>> flush(int64_t nowMs, bool all = false);

private:
    struct Window
    {
        int64_t sinceMs = 0;
        int64_t waiting = 0;
    };
    const int64_t m_intervalMs;
    const size_t m_mostKeys;
    std::mutex m_lock;
    std::unordered_map<std::string, Window> m_windows;
};

} // namespace llmproxy
