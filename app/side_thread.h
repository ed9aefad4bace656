// SPDX-License-Identifier: GPL-3.0-only
// A thread beside a command that says something from time to time, until its owner goes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace llmproxy {

class SideThread
{
public:
    SideThread() = default;
    ~SideThread() { end(); }
    SideThread(const SideThread &) = delete;
    SideThread &operator=(const SideThread &) = delete;

    // Where no thread can be had, nothing runs.
    void start(const char *name, std::function<void()> run);
    // For run(): waits so long. True: it is to end.
    bool endsWithin(std::chrono::milliseconds time);
    // Waits for run(). False: nothing was running.
    bool end();

private:
    std::mutex m_lock;
    std::condition_variable m_wake;
    bool m_ending = false;
    std::thread m_thread;
};

} // namespace llmproxy
