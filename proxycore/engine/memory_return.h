// SPDX-License-Identifier: GPL-3.0-only
// Gives the memory of a wave of connections, or of large bodies that were looked at, back to the system. glibc keeps what lies
// between blocks that are still used, and at the end of each thread's: after 1,000 streams 46 MB stayed resident of 28 before;
// trimmed, 29. Thread: one, calling once a second; made before the others begin.
#pragma once

#include <cstdint>

namespace llmproxy {

class MemoryReturn
{
public:
    MemoryReturn();
    struct Use
    {
        int64_t now, peak; // peak: the most since the last call
    };
    // heldBytes: of bodies. Takes about 2 ms when it trims.
    void tick(Use connections, Use heldBytes);

private:
    // Idle connections to providers are closed after 15 s; by then all of a wave is free.
    static constexpr int ticksToIdleEnd = 18;

    // At once, since the last wave was over.
    int64_t m_mostConnections = 0, m_mostHeld = 0;
    int m_ticksSinceWave = ticksToIdleEnd;
};

} // namespace llmproxy
