// SPDX-License-Identifier: GPL-3.0-only
#include "engine/memory_return.h"

#include <algorithm>
#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// Where jemalloc is linked (app/allocator.cpp).
extern "C" __attribute__((weak)) int mallctl(const char *name, void *old, size_t *oldSize, void *given, size_t givenSize);

namespace llmproxy {

namespace {

// So much less is worth it.
constexpr int64_t connectionsOfAWave = 100;
constexpr int64_t bytesOfAWave = 4 << 20;
#ifdef __GLIBC__
constexpr int largestInHeap = 1 << 20; // bytes
constexpr int freeEnd = 128 << 10;      // of each thread's memory, and as much again: glibc's own value at the beginning
#endif

void giveBack()
{
    if (mallctl) // all arenas: those of idle threads do not decay by themselves
        mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
#ifdef __GLIBC__
    else
        malloc_trim(0);
#endif
}

} // namespace

MemoryReturn::MemoryReturn()
{
#ifdef __GLIBC__
    // By itself glibc raises both with the first large block that is freed. From then on such blocks lie among others, and the free
    // end of a thread's memory, which malloc_trim() does not look at, may be twice as large: 15 MB stayed with each thread.
    mallopt(M_MMAP_THRESHOLD, largestInHeap);
    mallopt(M_TRIM_THRESHOLD, freeEnd);
#endif
}

void MemoryReturn::tick(Use connections, Use heldBytes)
{
    m_mostConnections = std::max(m_mostConnections, connections.peak);
    m_mostHeld = std::max(m_mostHeld, heldBytes.peak);
    if (m_mostConnections - connections.now >= connectionsOfAWave || m_mostHeld - heldBytes.now >= bytesOfAWave) {
        m_mostConnections = connections.now;
        m_mostHeld = heldBytes.now;
        m_ticksSinceWave = 0;
        return;
    }
    ++m_ticksSinceWave;
    if (m_ticksSinceWave == 1 || m_ticksSinceWave == ticksToIdleEnd)
        giveBack();
}

} // namespace llmproxy
