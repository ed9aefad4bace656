// SPDX-License-Identifier: GPL-3.0-only
#include "manage/jobs.h"

#include "base/threads.h"

#include <sys/resource.h>
#include <utility>

namespace llmproxy {

Jobs::Jobs() : m_thread(makeThread("job", [this] { run(); }))
{
}

bool Jobs::start(Work work, std::function<void()> brokenOff)
{
    const std::lock_guard guard(m_lock);
    if (m_cancelled)
        return false;
    Job job{std::move(work), std::move(brokenOff)};
    if (m_running && m_isOwn && !m_next)
        m_next = std::move(job);
    else if (m_running)
        return false;
    else
        beginLocked(std::move(job), false);
    return true;
}

bool Jobs::startOwn(Work work)
{
    const std::lock_guard guard(m_lock);
    if (m_running || m_cancelled)
        return false;
    beginLocked({std::move(work), nullptr}, true);
    return true;
}

void Jobs::beginLocked(Job job, bool isOwn)
{
    m_job = std::move(job);
    m_isOwn = isOwn;
    m_running = true;
    done = total = 0;
    m_wake.notify_one();
}

void Jobs::run()
{
    setpriority(PRIO_PROCESS, 0, 10); // on Linux of this thread: requests come first
    while (true) {
        Job job;
        {
            std::unique_lock guard(m_lock);
            m_wake.wait(guard, [this] { return m_job || m_cancelled; });
            job = std::exchange(m_job, {});
        }
        if (!job) // a job that was accepted is run, and sees that it is cancelled
            return;
        runOne(job);
    }
}

void Jobs::runOne(const Job &job)
{
    m_last = nullptr;
    bool isWell = guarded("job", [&] { job.work(m_cancelled); });
    const std::function<void()> last = std::exchange(m_last, nullptr);
    {
        const std::lock_guard guard(m_lock);
        m_running = false;
        if (m_next)
            beginLocked(std::exchange(m_next, {}), false);
    }
    if (isWell && last)
        isWell = guarded("job", last);
    if (!isWell && job.brokenOff)
        guarded("job", job.brokenOff);
}

void Jobs::end()
{
    std::thread last;
    {
        const std::lock_guard guard(m_lock);
        m_cancelled = true;
        m_wake.notify_one();
        last.swap(m_thread);
    }
    if (last.joinable())
        last.join();
}

} // namespace llmproxy
