// SPDX-License-Identifier: GPL-3.0-only
// The queue in front of the application log's output, and the thread that empties it. Thread: any.
#pragma once

#include "base/log.h"
#include "base/log_output.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <variant>

namespace llmproxy {

// It outlives its thread, which nobody can wait for.
class LogSink
{
public:
    void start();
    void stop(); // waits at most a second
    bool open(const LogTarget &target, std::string *problem);
    void reopen();
    void put(std::string line);
    void putLast(std::string line);

    LogLevel level() const { return m_level.load(std::memory_order_relaxed); }
    void setLevel(LogLevel level) { m_level.store(level, std::memory_order_relaxed); }
    bool isJson() const { return m_isJson.load(std::memory_order_relaxed); }
    uint64_t dropped() const { return m_dropped.load(std::memory_order_relaxed); }

private:
    enum class State {
        Direct,  // no thread: callers write
        Queued,  // the thread writes
        Ending,  // likewise, and ends when nothing is waiting
        Stuck,   // the thread never came back from a write; nothing can be written any more
    };
    struct Reopen {};
    using Entry = std::variant<std::string, LogOutput, Reopen>;

    bool enqueue(Entry &&entry, bool always); // false: there is no thread, and the entry is left as it is
    bool waitEmpty(std::unique_lock<std::mutex> &guard);
    void run();
    void handle(Entry &entry);
    void write(const std::string &line);
    void writeDirect(const std::string &line);
    void lookOnceASecond();
    void tellDropped();

    std::atomic<LogLevel> m_level{LogLevel::Info};
    std::atomic<bool> m_isJson{true};
    std::atomic<uint64_t> m_dropped{0};

    std::mutex m_lock; // never held while something is written
    std::condition_variable m_wake, m_emptied;
    State m_state = State::Direct;
    std::deque<Entry> m_waiting;
    size_t m_waitingBytes = 0; // with what is being written
    bool m_isWriting = false;

    std::mutex m_outputLock; // the thread's while there is one
    LogOutput m_output;
    uint64_t m_toldDropped = 0;
    std::chrono::steady_clock::time_point m_looked;
};

} // namespace llmproxy
