// SPDX-License-Identifier: GPL-3.0-only
#include "manage/jobs.h"

#include <pthread.h>
#include <sys/resource.h>

namespace llmproxy {

bool Jobs::start(Work work)
{
    const std::lock_guard guard(m_lock);
    if (m_running || m_cancelled)
        return false;
    if (m_thread.joinable())
        m_thread.join();
    m_running = true;
    done = total = 0;
    m_thread = std::thread([this, work = std::move(work)] {
        pthread_setname_np(pthread_self(), "job");
        setpriority(PRIO_PROCESS, 0, 10); // on Linux of this thread: requests come first
        m_last = nullptr;
        work(m_cancelled);
        const std::function<void()> last = std::move(m_last);
        m_running = false;
        if (last)
            last();
    });
    return true;
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
