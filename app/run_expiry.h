// SPDX-License-Identifier: GPL-3.0-only
// Waits, beside the command of `llm-proxy run`, for the end of its token's lifetime by the wall clock, which goes on while the machine
// sleeps: a machine that wakes up later revokes at once. Thread: main creates and destroys it; the end is called on its own.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

namespace llmproxy {

class RunExpiry
{
public:
    RunExpiry(int64_t atWallMs, std::function<void()> onEnd);
    ~RunExpiry(); // onEnd() has returned, or is not called any more
    RunExpiry(const RunExpiry &) = delete;
    RunExpiry &operator=(const RunExpiry &) = delete;

private:
    int m_timer = -1, m_stop = -1;
    std::thread m_thread;
};

} // namespace llmproxy
