// SPDX-License-Identifier: GPL-3.0-only
// What bodies that are looked at whole take of memory: of one token lineage, and of all requests and threads together. Thread: any.
#pragma once

#include "access/lineage_state.h"

#include <atomic>
#include <cstdint>

namespace llmproxy {

class HeldBudget
{
public:
    static constexpr int64_t most = 256 << 20;             // bytes
    static constexpr int64_t mostOfLineage = most / 4;     // ruling 16: one token's holder does not stop all others

    bool hasRoom(const LineageState &lineage, int64_t bytes) const
    {
        return now() + bytes <= most && lineage.heldBytes.load(std::memory_order_relaxed) + bytes <= mostOfLineage;
    }
    // Counts them; false: that is more than the lineage or all may take. They are given back all the same.
    bool take(LineageState &lineage, int64_t bytes)
    {
        const int64_t ofLineage = lineage.heldBytes.fetch_add(bytes) + bytes;
        const int64_t now = m_now.fetch_add(bytes) + bytes;
        int64_t peak = m_peak.load(std::memory_order_relaxed);
        while (peak < now && !m_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
        }
        return now <= most && ofLineage <= mostOfLineage;
    }
    void give(LineageState &lineage, int64_t bytes)
    {
        lineage.heldBytes.fetch_sub(bytes);
        m_now.fetch_sub(bytes);
    }
    int64_t now() const { return m_now.load(std::memory_order_relaxed); }
    // The most since it was asked last.
    int64_t takePeak() { return m_peak.exchange(m_now.load()); }

private:
    std::atomic<int64_t> m_now{0}, m_peak{0};
};

} // namespace llmproxy
