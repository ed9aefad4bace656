// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/secret.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace llmproxy {

namespace {

// Pages that are locked and left out of core dumps, cut into slots of one power of two each: thousands
// of 60-byte keys must not cost a page each, for RLIMIT_MEMLOCK is small. Pages are kept for reuse.
class LockedMemory
{
public:
    char *take(size_t size)
    {
        const size_t slot = slotSize(size);
        if (slot > largestSlot)
            return map(slot);
        const std::lock_guard guard(m_lock);
        auto &free = m_free[classOf(slot)];
        if (free.empty()) {
            char *page = map(chunk);
            for (size_t at = chunk; at > 0; at -= slot)
                free.push_back(page + at - slot);
        }
        char *bytes = free.back();
        free.pop_back();
        return bytes;
    }

    void give(char *bytes, size_t size)
    {
        const size_t slot = slotSize(size);
        wipe(bytes, slot);
        if (slot > largestSlot) {
            munmap(bytes, slot);
            return;
        }
        const std::lock_guard guard(m_lock);
        m_free[classOf(slot)].push_back(bytes);
    }

private:
    static constexpr size_t smallestSlot = 32;
    static constexpr size_t largestSlot = 4096;
    static constexpr size_t chunk = 16384;

    static size_t slotSize(size_t size) { return std::bit_ceil(std::max(size, smallestSlot)); }
    static size_t classOf(size_t slot) { return static_cast<size_t>(std::countr_zero(slot) - std::countr_zero(smallestSlot)); }

    static char *map(size_t size)
    {
        void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            throw std::bad_alloc();
        // Best effort: without the privilege the bytes may be swapped, but are still not dumped.
        mlock(memory, size);
        madvise(memory, size, MADV_DONTDUMP);
        return static_cast<char *>(memory);
    }

    std::mutex m_lock;
    std::array<std::vector<char *>, 8> m_free; // 32 … 4096
};

LockedMemory &lockedMemory()
{
    // Never destroyed: static secrets may die after it would have.
    static auto *memory = new LockedMemory;
    return *memory;
}

} // namespace

void wipe(void *bytes, size_t size)
{
    if (bytes && size > 0)
        OPENSSL_cleanse(bytes, size);
}

Secret::Secret(std::string_view bytes)
{
    if (bytes.empty())
        return;
    m_bytes = lockedMemory().take(bytes.size());
    m_size = bytes.size();
    std::memcpy(m_bytes, bytes.data(), bytes.size());
}

Secret::~Secret()
{
    release();
}

Secret::Secret(Secret &&other) noexcept
    : m_bytes(std::exchange(other.m_bytes, nullptr)), m_size(std::exchange(other.m_size, 0))
{
}

Secret &Secret::operator=(Secret &&other) noexcept
{
    if (this != &other) {
        release();
        m_bytes = std::exchange(other.m_bytes, nullptr);
        m_size = std::exchange(other.m_size, 0);
    }
    return *this;
}

Secret Secret::clone() const
{
    return Secret(reveal());
}

bool Secret::equals(std::string_view other) const
{
    // A wrong length costs the same comparison, of the other with itself.
    const bool sameSize = other.size() == m_size;
    const char *mine = sameSize ? m_bytes : other.data();
    return (CRYPTO_memcmp(mine, other.data(), other.size()) == 0) & sameSize;
}

void Secret::release()
{
    if (m_bytes)
        lockedMemory().give(m_bytes, m_size);
    m_bytes = nullptr;
    m_size = 0;
}

} // namespace llmproxy
