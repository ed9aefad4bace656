// SPDX-License-Identifier: GPL-3.0-only
#include "waiting_note.h"

#include "base/threads.h"
#include "output.h"

#include <chrono>
#include <utility>

namespace llmproxy {

namespace {

constexpr auto patience = std::chrono::seconds(1);

} // namespace

WaitingNote::WaitingNote(std::string what)
{
    tryThread(m_thread, "waiting", [this, what = std::move(what)] {
        std::unique_lock guard(m_lock);
        if (!m_wake.wait_for(guard, patience, [this] { return m_ending; }))
            note("waiting for " + what);
    }); // or nothing is said
}

WaitingNote::~WaitingNote()
{
    if (!m_thread.joinable())
        return;
    {
        const std::lock_guard guard(m_lock);
        m_ending = true;
    }
    m_wake.notify_one();
    m_thread.join();
}

} // namespace llmproxy
