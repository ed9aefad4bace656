// SPDX-License-Identifier: GPL-3.0-only
#include "manage/jobs.h"

#include <pthread.h>
#include <sys/resource.h>
#include <utility>

namespace llmproxy {

bool Jobs::start(Work work)
{
    const std::lock_guard guard(m_lock);
    if (m_running && m_isOwn && !m_next && !m_cancelled) {
        m_next = std::move(work);
        return true;
    }
    return startLocked(std::move(work), false);
}

bool Jobs::startOwn(Work work)
{
    const std::lock_guard guard(m_lock);
    return startLocked(std::move(work), true);
}

bool Jobs::startLocked(Work work, bool isOwn)
{
    if (m_running || m_cancelled)
        return false;
    if (m_thread.joinable())
        m_thread.join();
    m_running = true;
    m_isOwn = isOwn;
    done = total = 0;
    m_thread = std::thread([this, work = std::move(work)]() mutable {
        pthread_setname_np(pthread_self(), "job");
        setpriority(PRIO_PROCESS, 0, 10); // on Linux of this thread: requests come first
        run(std::move(work));
    });
    return true;
}

void Jobs::run(Work work)
{
    while (work) {
        m_last = nullptr;
        work(m_cancelled);
        const std::function<void()> last = std::move(m_last);
        {
            const std::lock_guard guard(m_lock);
            work = std::exchange(m_next, nullptr);
            m_isOwn = false;
            m_running = static_cast<bool>(work);
            if (work)
                done = total = 0;
        }
        if (last)
            last();
    }
}

void Jobs::end()
{
    m_cancelled = true;
    std::thread last;
    {
        const std::lock_guard guard(m_lock);
        last.swap(m_thread);
    }
    if (last.joinable())
        last.join();
}

} // namespace llmproxy
