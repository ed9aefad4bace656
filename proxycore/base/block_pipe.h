// SPDX-License-Identifier: GPL-3.0-only
// A bounded way for bytes from a thread that makes them to one that sends them on: the maker waits while the reader is slow,
// and stops when he is gone. Thread: write() and finish() the maker's, the rest the reader's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace llmproxy {

class BlockPipe
{
public:
    // Waits while there is as much as mostQueued. False: the reader is gone, or cancelled was set (by whom no reader may ever
    // hear); make no more.
    bool write(std::string block, const std::atomic<bool> &cancelled);
    // After the last block; whole: what was written is all there is. Not whole: the reader must not take it for that.
    void finish(bool whole);

    enum class State { Block, Nothing, Whole, Broken };
    // Nothing: ready() will be called, on the maker's thread, when there is something again.
    State read(std::string &block);
    void onReady(std::function<void()> ready);
    // The reader leaves; the maker's next write() says so.
    void close();

    static constexpr size_t mostQueued = 256 * 1024;

private:
    void tell(std::unique_lock<std::mutex> &guard);

    std::mutex m_lock;
    std::condition_variable m_room;
    std::deque<std::string> m_blocks;
    size_t m_queued = 0;
    bool m_isClosed = false, m_isFinished = false, m_isWhole = false, m_isWaitedFor = false;
    std::function<void()> m_ready;
};

} // namespace llmproxy
