// SPDX-License-Identifier: GPL-3.0-only
// Gives a class's objects their memory from a small stock of its thread: those of one request are made and destroyed by one
// engine thread, and are larger than what malloc keeps at hand (1,032 bytes). Thread: each object's own.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace llmproxy {

template<typename T>
class Recycled
{
public:
    static void *operator new(size_t size)
    {
        auto &blocks = stock().blocks;
        if (size != sizeof(T) || blocks.empty())
            return ::operator new(size);
        void *block = blocks.back();
        blocks.pop_back();
        return block;
    }
    static void operator delete(void *block, size_t size)
    {
        auto &blocks = stock().blocks;
        if (size == sizeof(T) && blocks.size() < most)
            blocks.push_back(block);
        else
            ::operator delete(block);
    }

private:
#ifdef __SANITIZE_ADDRESS__
    static constexpr size_t most = 0; // or nothing is ever freed, and no use after it is seen
#else
    static constexpr size_t most = 16; // each keeps a page from going back to the system after a wave
#endif
    struct Stock
    {
        std::vector<void *> blocks;
        ~Stock()
        {
            for (void *block : blocks)
                ::operator delete(block);
        }
    };
    static Stock &stock()
    {
        thread_local Stock one;
        return one;
    }
};

} // namespace llmproxy
