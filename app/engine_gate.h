// SPDX-License-Identifier: GPL-3.0-only
// Calls into an engine that may be stopped by another thread: once it is closed none begins, and whoever stops the engine waits for
// those that run. Thread: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace llmproxy {

class EngineGate
{
public:
    class Pass
    {
    public:
        explicit Pass(EngineGate &gate) : m_gate(gate), m_isOpen(gate.enter()) {}
        ~Pass()
        {
            if (m_isOpen)
                m_gate.leave();
        }
        Pass(const Pass &) = delete;
        Pass &operator=(const Pass &) = delete;
        explicit operator bool() const { return m_isOpen; }

    private:
        EngineGate &m_gate;
        const bool m_isOpen;
    };

    void close()
    {
        const std::lock_guard guard(m_lock);
        m_isClosed = true;
    }

    // True when nothing runs any more; most: how long to wait.
    bool waitEmpty(std::chrono::milliseconds most)
    {
        std::unique_lock guard(m_lock);
        return m_left.wait_for(guard, most, [this] { return m_running == 0; });
    }

private:
    bool enter()
    {
        const std::lock_guard guard(m_lock);
        m_running += m_isClosed ? 0 : 1;
        return !m_isClosed;
    }

    void leave()
    {
        const std::lock_guard guard(m_lock);
        --m_running;
        m_left.notify_all();
    }

    std::mutex m_lock;
    std::condition_variable m_left;
    int m_running = 0;
    bool m_isClosed = false;
};

} // namespace llmproxy
