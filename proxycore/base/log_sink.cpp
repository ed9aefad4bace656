// SPDX-License-Identifier: GPL-3.0-only
#include "base/log_sink.h"

#include "base/log_line.h"
#include "base/threads.h"
#include "base/write_all.h"

#include <poll.h>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t mostWaitingBytes = 1 << 20;
constexpr size_t mostWaitingEntries = 16'384;
constexpr std::chrono::seconds atMost{1}, lookEvery{1};
constexpr int atMostMs = 1'000;

size_t bytesOf(const std::string &line)
{
    return line.size();
}

// Never waits: it may be the same pipe.
void writeToStderr(const std::string &line)
{
    pollfd one{STDERR_FILENO, POLLOUT, 0};
    if (poll(&one, 1, 0) == 1)
        writeAll(STDERR_FILENO, line);
}

} // namespace

void LogSink::start()
{
    {
        const std::lock_guard guard(m_lock);
        if (m_state != State::Direct)
            return;
        m_state = State::Queued;
    }
    if (tryDetachedThread("log", [this] { run(); })) // not under the lock: what it has to say of a failure is a line, too
        return;
    std::deque<Entry> waiting; // callers write from now on
    {
        const std::lock_guard guard(m_lock);
        m_state = State::Direct;
        waiting.swap(m_waiting);
        m_waitingBytes = 0;
    }
    for (Entry &entry : waiting)
        handle(entry);
}

void LogSink::stop()
{
    std::unique_lock guard(m_lock);
    if (m_state != State::Queued)
        return;
    m_state = State::Ending;
    m_wake.notify_one();
    if (!m_emptied.wait_for(guard, atMost, [this] { return m_state == State::Direct; }))
        m_state = State::Stuck; // in a write to a pipe that nobody reads
}

bool LogSink::waitEmpty(std::unique_lock<std::mutex> &guard)
{
    return m_emptied.wait_for(guard, atMost, [this] { return m_waiting.empty() && !m_isWriting; });
}

bool LogSink::open(const LogTarget &target, std::string *problem)
{
    LogOutput next;
    if (!next.open(target, problem))
        return false;
    m_isJson.store(target.json, std::memory_order_relaxed);
    setLevel(target.level);
    Entry entry(std::move(next));
    if (!enqueue(std::move(entry), true))
        handle(entry);
    return true;
}

void LogSink::reopen()
{
    Entry entry{Reopen()};
    if (!enqueue(std::move(entry), true))
        handle(entry);
}

void LogSink::put(std::string line)
{
    Entry entry(std::move(line));
    if (!enqueue(std::move(entry), false))
        writeDirect(std::get<std::string>(entry));
}

void LogSink::putLast(std::string line)
{
    if (!enqueue(line, true)) {
        writeDirect(line);
        return;
    }
    std::unique_lock guard(m_lock);
    const bool isWritten = waitEmpty(guard);
    guard.unlock();
    if (!isWritten)
        writeToStderr(line);
}

bool LogSink::enqueue(Entry &&entry, bool always)
{
    const std::lock_guard guard(m_lock);
    if (m_state == State::Direct)
        return false;
    const std::string *line = std::get_if<std::string>(&entry);
    const size_t bytes = line ? bytesOf(*line) : 0;
    const bool isFull = m_waitingBytes + bytes > mostWaitingBytes || m_waiting.size() >= mostWaitingEntries;
    if (m_state == State::Stuck || (isFull && !always)) {
        m_dropped.fetch_add(line ? 1 : 0, std::memory_order_relaxed);
        return true;
    }
    m_waitingBytes += bytes;
    m_waiting.push_back(std::move(entry));
    m_wake.notify_one();
    return true;
}

void LogSink::run()
{
    std::unique_lock guard(m_lock);
    while (true) {
        m_wake.wait_for(guard, lookEvery, [this] { return !m_waiting.empty() || m_state != State::Queued; });
        if (m_waiting.empty() && m_state != State::Queued) {
            m_state = m_state == State::Ending ? State::Direct : m_state;
            m_emptied.notify_all();
            return;
        }
        std::deque<Entry> batch;
        batch.swap(m_waiting);
        m_isWriting = true;
        guard.unlock();
        size_t written = 0;
        for (Entry &entry : batch) {
            const std::string *line = std::get_if<std::string>(&entry);
            written += line ? bytesOf(*line) : 0;
            handle(entry);
        }
        lookOnceASecond();
        tellDropped();
        guard.lock();
        m_waitingBytes -= written;
        m_isWriting = false;
        m_emptied.notify_all();
    }
}

void LogSink::handle(Entry &entry)
{
    const std::lock_guard guard(m_outputLock);
    if (auto *line = std::get_if<std::string>(&entry)) {
        write(*line);
    } else if (auto *output = std::get_if<LogOutput>(&entry)) {
        m_output = std::move(*output);
    } else if (const std::string problem = m_output.reopen(); !problem.empty()) {
        write(logLine(isJson(), LogLevel::Error, "LOG_FILE cannot be opened again; the log goes on in the old file", {{"problem", problem}}));
    }
}

void LogSink::lookOnceASecond()
{
    const auto now = std::chrono::steady_clock::now();
    if (now - m_looked < lookEvery)
        return;
    m_looked = now;
    const std::lock_guard guard(m_outputLock);
    if (const std::string problem = m_output.look(); !problem.empty())
        write(logLine(isJson(), LogLevel::Error, "LOG_FILE was replaced by something that is not written into; the log goes on in the old file", {{"problem", problem}}));
}

void LogSink::tellDropped()
{
    const uint64_t all = dropped();
    if (all == m_toldDropped)
        return;
    const std::lock_guard guard(m_outputLock);
    write(logLine(isJson(), LogLevel::Warn, "log lines were dropped: the log was not read or written fast enough",
                  {{"lines", std::to_string(all - m_toldDropped)}}));
    m_toldDropped = all;
}

void LogSink::write(const std::string &line)
{
    if (!m_output.write(line))
        writeToStderr(line); // the disk is full: at least who looks on sees it
}

void LogSink::writeDirect(const std::string &line)
{
    const std::lock_guard guard(m_outputLock);
    if (m_output.waitWritable(atMostMs))
        write(line);
    else
        m_dropped.fetch_add(1, std::memory_order_relaxed);
}

} // namespace llmproxy
