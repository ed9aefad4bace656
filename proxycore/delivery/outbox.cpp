// SPDX-License-Identifier: GPL-3.0-only
#include "delivery/outbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/threads.h"
#include "delivery/senders.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace llmproxy {

namespace {

using namespace std::chrono_literals;

constexpr size_t mostWaiting = 10'000; // a week of checkpoints
constexpr auto firstPause = 1s, longestPause = 300s, lastTry = 2s;

} // namespace

class Outbox::Lane
{
public:
    Lane(const OutboxConfig &config, OutsideTarget target) : m_config(config), m_target(std::move(target)), m_thread(makeThread("delivery", [this] { run(); })) {}

    ~Lane()
    {
        {
            const std::lock_guard guard(m_lock);
            m_ending = true;
            m_until = std::chrono::steady_clock::now() + lastTry;
        }
        m_wake.notify_one();
        m_thread.join();
    }

    void send(const std::string &text)
    {
        {
            const std::lock_guard guard(m_lock);
            if (m_waiting.size() >= mostWaiting) {
                m_waiting.pop_front();
                ++m_lost;
            }
            m_waiting.push_back(text);
        }
        m_wake.notify_one();
    }

    Status status() const
    {
        const std::lock_guard guard(m_lock);
        return {m_target.shown, m_delivered, static_cast<int64_t>(m_waiting.size()), m_lost, m_lastMs, m_problem};
    }

private:
    void run()
    {
        auto pause = firstPause;
        std::unique_lock guard(m_lock);
        while (true) {
            m_wake.wait(guard, [this] { return m_ending || !m_waiting.empty(); });
            if (m_waiting.empty() || (m_ending && std::chrono::steady_clock::now() >= m_until))
                return;
            const std::string text = m_waiting.front();
            guard.unlock();
            const bool isLast = m_ending;
            std::string problem = "an internal error; see the log";
            guarded("delivery", [&] { problem = deliver(m_target, text, m_config, isLast ? lastTry : 15s, [this, isLast] { return m_ending && !isLast; }); });
            tell(problem);
            guard.lock();
            m_problem = problem;
            if (problem.empty()) {
                if (!m_waiting.empty() && m_waiting.front() == text) // not dropped meanwhile
                    m_waiting.pop_front();
                ++m_delivered;
                m_lastMs = Clock::wallMs();
                pause = firstPause;
                continue;
            }
            if (m_ending)
                return;
            m_wake.wait_for(guard, pause, [this] { return m_ending.load(); });
            pause = std::min<std::chrono::seconds>(2 * pause, longestPause);
        }
    }

    // Without the lock: m_problem is this thread's to change.
    void tell(const std::string &problem) const
    {
        if (problem == m_problem)
            return;
        if (problem.empty())
            logInfo("deliveries are taken again", {{"target", m_target.shown}});
        else
            logWarn("a delivery is not taken; it is tried again", {{"target", m_target.shown}, {"problem", problem}});
    }

    const OutboxConfig &m_config;
    const OutsideTarget m_target;
    mutable std::mutex m_lock;
    std::condition_variable m_wake;
    std::deque<std::string> m_waiting;
    int64_t m_delivered = 0, m_lost = 0, m_lastMs = 0;
    std::string m_problem;
    std::atomic<bool> m_ending{false};
    std::chrono::steady_clock::time_point m_until;
    std::thread m_thread; // last: it uses all of them
};

Outbox::Outbox(OutboxConfig config) : m_config(std::make_unique<OutboxConfig>(std::move(config)))
{
    for (const OutsideTarget &target : m_config->targets)
        m_lanes.push_back(std::make_unique<Lane>(*m_config, target));
}

Outbox::~Outbox() = default;

void Outbox::send(const std::string &text)
{
    for (const auto &lane : m_lanes)
        lane->send(text);
}

std::vector<Outbox::Status> Outbox::status() const
{
    std::vector<Status> all;
    for (const auto &lane : m_lanes)
        all.push_back(lane->status());
    return all;
}

} // namespace llmproxy
