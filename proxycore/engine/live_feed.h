// SPDX-License-Identifier: GPL-3.0-only
// GET /manage/events: twice a second one server-sent event "requests" with what runs on all engine threads, and what ended
// since the one before, and an event "alert" for each that is raised. A watcher that reads too slowly misses events, and costs nobody anything.
// Thread: the watching connection's engine thread.
#pragma once

#include "access/live_request.h"
#include "front/management_door.h"

#include <atomic>
#include <memory>
#include <vector>

namespace llmproxy {

class AlertWatch;
class EngineThread;

class LiveFeed final : public ManagementFeed
{
public:
    // threads, watchers, ending and alerts (null: none are raised) outlive it.
    LiveFeed(const std::vector<std::unique_ptr<EngineThread>> &threads, std::atomic<int> &watchers, const std::atomic<bool> &ending,
             const AlertWatch *alerts, ServerStream &stream);
    ~LiveFeed() override;
    void start() override;

private:
    void gather();
    void take(size_t thread, uint64_t seq, std::vector<LiveRequest> running, std::vector<LiveRequest> ended);
    void tell();
    void tellAlerts();

    const std::vector<std::unique_ptr<EngineThread>> &m_threads;
    std::atomic<int> &m_watchers;
    const std::atomic<bool> &m_ending;
    const AlertWatch *m_alerts;
    uint64_t m_alertNumber = 0; // told up to this one
    ServerStream &m_stream;
    Timer m_timer;
    std::vector<uint64_t> m_seen; // of each thread's ended ones
    std::vector<LiveRequest> m_running, m_ended;
    size_t m_missing = 0; // threads that have not answered yet
    int m_quiet = 0;      // ticks without news
    std::shared_ptr<LiveFeed *> m_self;
};

} // namespace llmproxy
