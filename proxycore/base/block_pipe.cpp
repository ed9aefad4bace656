// SPDX-License-Identifier: GPL-3.0-only
#include "base/block_pipe.h"

#include <chrono>
#include <utility>

namespace llmproxy {

void BlockPipe::tell(std::unique_lock<std::mutex> &guard)
{
    if (!std::exchange(m_isWaitedFor, false) || !m_ready)
        return;
    const std::function<void()> ready = m_ready;
    guard.unlock();
    ready();
}

bool BlockPipe::write(std::string block, const std::atomic<bool> &cancelled)
{
    constexpr auto lookEvery = std::chrono::milliseconds(100); // for cancelled, which wakes nobody
    std::unique_lock guard(m_lock);
    while (!m_isClosed && !cancelled && m_queued >= mostQueued)
        m_room.wait_for(guard, lookEvery);
    if (m_isClosed || cancelled)
        return false;
    m_queued += block.size();
    m_blocks.push_back(std::move(block));
    tell(guard);
    return true;
}

void BlockPipe::finish(bool whole)
{
    std::unique_lock guard(m_lock);
    m_isFinished = true;
    m_isWhole = whole;
    tell(guard);
}

BlockPipe::State BlockPipe::read(std::string &block)
{
    const std::lock_guard guard(m_lock);
    if (!m_blocks.empty()) {
        block = std::move(m_blocks.front());
        m_blocks.pop_front();
        m_queued -= block.size();
        m_room.notify_one();
        return State::Block;
    }
    if (m_isFinished)
        return m_isWhole ? State::Whole : State::Broken;
    m_isWaitedFor = true;
    return State::Nothing;
}

void BlockPipe::onReady(std::function<void()> ready)
{
    const std::lock_guard guard(m_lock);
    m_ready = std::move(ready);
}

void BlockPipe::close()
{
    {
        const std::lock_guard guard(m_lock);
        m_isClosed = true;
        m_blocks.clear();
        m_queued = 0;
        m_ready = nullptr;
    }
    m_room.notify_one();
}

} // namespace llmproxy
