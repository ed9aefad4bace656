// SPDX-License-Identifier: GPL-3.0-only
#include "engine/memory_return.h"

#include <algorithm>
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace llmproxy {

namespace {

// So many connections less are worth it.
constexpr int64_t connectionsOfAWave = 100;

} // namespace

void MemoryReturn::tick(int64_t open, int64_t peak)
{
    m_most = std::max(m_most, peak);
    if (m_most - open >= connectionsOfAWave) {
        m_most = open;
        m_ticksSinceWave = 0;
        return;
    }
    ++m_ticksSinceWave;
#ifdef __GLIBC__
    if (m_ticksSinceWave == 1 || m_ticksSinceWave == ticksToIdleEnd)
        malloc_trim(0);
#endif
}

} // namespace llmproxy
