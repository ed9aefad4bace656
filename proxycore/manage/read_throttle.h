// SPDX-License-Identifier: GPL-3.0-only
// Lets each read through to the audit log once a minute (ruling 42). Bounded. Thread: any, one lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace llmproxy {

class ReadThrottle
{
public:
    // True when this key was not let through within the last minute.
    bool admit(const std::string &key, int64_t nowMs);

private:
    static constexpr int64_t intervalMs = 60'000;
    static constexpr size_t mostKeys = 4096;
    std::mutex m_lock;
    std::map<std::string, int64_t> m_admittedMs;
};

} // namespace llmproxy
