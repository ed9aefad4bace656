// SPDX-License-Identifier: GPL-3.0-only
#include "manage/read_throttle.h"

namespace llmproxy {

bool ReadThrottle::admit(const std::string &key, int64_t nowMs)
{
    const std::lock_guard guard(m_lock);
    const auto known = m_admittedMs.find(key);
    if (known != m_admittedMs.end() && nowMs - known->second < intervalMs && nowMs >= known->second)
        return false;
    if (m_admittedMs.size() >= mostKeys) {
        std::erase_if(m_admittedMs, [nowMs](const auto &entry) { return nowMs - entry.second >= intervalMs; });
        if (m_admittedMs.size() >= mostKeys)
            m_admittedMs.clear(); // an extra event is better than a missing one
    }
    m_admittedMs[key] = nowMs;
    return true;
}

} // namespace llmproxy
