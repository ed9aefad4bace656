// SPDX-License-Identifier: GPL-3.0-only
// The requests of one engine thread that ended lately, kept only while somebody watches. Each watcher remembers how far it
// has read. Thread: its engine thread's, but for watchers.
#pragma once

#include "access/live_request.h"

#include <atomic>
#include <deque>
#include <vector>

namespace llmproxy {

class LiveLog
{
public:
    explicit LiveLog(const std::atomic<int> &watchers) : m_watchers(watchers) {}
    bool isWatched() const { return m_watchers.load(std::memory_order_relaxed) > 0; }
    void add(LiveRequest request)
    {
        m_ended.push_back(std::move(request));
        ++m_seq;
        if (m_ended.size() > most)
            m_ended.pop_front();
    }
    // Those after seq, at most the newest thousand; seq becomes the last one's.
    std::vector<LiveRequest> after(uint64_t *seq) const
    {
        const auto fresh = static_cast<std::ptrdiff_t>(std::min<uint64_t>(m_seq - std::min(*seq, m_seq), m_ended.size()));
        *seq = m_seq;
        return {m_ended.end() - fresh, m_ended.end()};
    }

private:
    static constexpr size_t most = 1000;
    const std::atomic<int> &m_watchers;
    std::deque<LiveRequest> m_ended;
    uint64_t m_seq = 0;
};

} // namespace llmproxy
