// SPDX-License-Identifier: GPL-3.0-only
// Work that takes longer than a handler may: one job at a time, on a thread made with this, that ends early when the server
// does. A caller's job is refused while another caller's runs; while the engine's own runs, which nobody asked for, it waits
// for that one's end. Thread: any; the work runs on the job's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace llmproxy {

class Jobs
{
public:
    Jobs(); // std::system_error: no thread is left (makeThread())
    ~Jobs() { end(); }
    Jobs(const Jobs &) = delete;
    Jobs &operator=(const Jobs &) = delete;

    using Work = std::function<void(const std::atomic<bool> &cancelled)>;
    // False: a caller's is running, or waiting, already. brokenOff: the work threw, and has told nobody; the job's thread.
    bool start(Work work, std::function<void()> brokenOff);
    // Short work of the engine itself. False: one is running already.
    bool startOwn(Work work);
    void end();
    // The last thing that the running job does, on its thread: by then another one can be started. For its answer.
    void afterwards(std::function<void()> last) { m_last = std::move(last); }
    // Of the running job, or of the last one.
    std::atomic<int64_t> done{0}, total{0};
    bool isRunning() const { return m_running; }

private:
    struct Job
    {
        Work work;
        std::function<void()> brokenOff; // may be empty
        explicit operator bool() const { return static_cast<bool>(work); }
    };
    void beginLocked(Job job, bool isOwn);
    void run();
    void runOne(const Job &job);

    std::mutex m_lock; // of what follows: who starts is not who ends
    std::condition_variable m_wake;
    Job m_job;  // is to be run
    Job m_next; // waits for the end of the engine's own
    bool m_isOwn = false; // what runs
    std::function<void()> m_last; // the job's thread
    std::atomic<bool> m_running{false}; // or about to
    std::atomic<bool> m_cancelled{false};
    std::thread m_thread;
};

} // namespace llmproxy
