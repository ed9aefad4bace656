// SPDX-License-Identifier: GPL-3.0-only
#include "side_thread.h"

#include "base/threads.h"

#include <utility>

namespace llmproxy {

void SideThread::start(const char *name, std::function<void()> run)
{
    tryThread(m_thread, name, std::move(run));
}

bool SideThread::endsWithin(std::chrono::milliseconds time)
{
    std::unique_lock guard(m_lock);
    return m_wake.wait_for(guard, time, [this] { return m_ending; });
}

bool SideThread::end()
{
    if (!m_thread.joinable())
        return false;
    {
        const std::lock_guard guard(m_lock);
        m_ending = true;
    }
    m_wake.notify_one();
    m_thread.join();
    return true;
}

} // namespace llmproxy
