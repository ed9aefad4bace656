// SPDX-License-Identifier: GPL-3.0-only
// A name server for tests of the resolver: it answers, fails or hangs as it is told, and counts. Thread: any.
#pragma once

#include "upstream/resolver.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace llmproxy::test {

class FakeNames
{
public:
    Resolver::LookUp lookUp()
    {
        return [state = m_state](const std::string &name) { return state->lookUp(name); };
    }
    void answer(const std::string &name, const std::vector<std::string> &addresses) // none: it fails
    {
        const std::lock_guard guard(m_state->lock);
        m_state->answers[name] = {};
        for (const std::string &address : addresses)
            m_state->answers[name].addresses.push_back(*IpAddress::parse(address));
    }
    void forget(const std::string &name) // it says that there is no such name
    {
        const std::lock_guard guard(m_state->lock);
        m_state->answers[name] = {{}, true};
    }
    void hang(bool hangs) // all that begin from now on; false: they go on
    {
        const std::lock_guard guard(m_state->lock);
        m_state->hangs = hangs;
        m_state->changed.notify_all();
    }
    // Waits until so many hang; false: they do not.
    bool waitRunning(size_t count)
    {
        std::unique_lock guard(m_state->lock);
        return m_state->changed.wait_for(guard, std::chrono::seconds(10), [&] { return m_state->running.size() == count; });
    }
    bool waitLookUps(const std::string &name, int count)
    {
        std::unique_lock guard(m_state->lock);
        return m_state->changed.wait_for(guard, std::chrono::seconds(10), [&] { return m_state->done[name] >= count; });
    }
    int lookUps(const std::string &name) const // that came to an end
    {
        const std::lock_guard guard(m_state->lock);
        return m_state->done[name];
    }
    size_t mostRunning() const
    {
        const std::lock_guard guard(m_state->lock);
        return m_state->most;
    }

private:
    struct State
    {
        NameLookUp lookUp(const std::string &name)
        {
            std::unique_lock guard(lock);
            running.insert(name);
            most = std::max(most, running.size());
            changed.notify_all();
            if (hangs)
                changed.wait(guard, [this] { return !hangs; });
            running.erase(running.find(name));
            ++done[name];
            changed.notify_all();
            return answers[name];
        }
        std::mutex lock;
        std::condition_variable changed;
        bool hangs = false;
        std::multiset<std::string> running;
        size_t most = 0;
        std::map<std::string, int> done;
        std::map<std::string, NameLookUp> answers;
    };
    const std::shared_ptr<State> m_state = std::make_shared<State>(); // look-ups that hang outlive the resolver, and this
};

} // namespace llmproxy::test
