// SPDX-License-Identifier: GPL-3.0-only
// "llm-proxy: waiting for …" on stderr when something takes longer than a second: whoever waits knows what for.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace llmproxy {

class WaitingNote
{
public:
    explicit WaitingNote(std::string what); // from now on, until this goes
    ~WaitingNote();
    WaitingNote(const WaitingNote &) = delete;
    WaitingNote &operator=(const WaitingNote &) = delete;

private:
    std::mutex m_lock;
    std::condition_variable m_wake;
    bool m_ending = false;
    std::thread m_thread;
};

} // namespace llmproxy
