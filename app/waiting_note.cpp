// SPDX-License-Identifier: GPL-3.0-only
#include "waiting_note.h"

#include "output.h"

#include <chrono>
#include <utility>

namespace llmproxy {

namespace {

constexpr auto patience = std::chrono::seconds(1);

} // namespace

WaitingNote::WaitingNote(std::string what)
{
    m_thread.start("waiting", [this, what = std::move(what)] {
        if (!m_thread.endsWithin(patience))
            note("waiting for " + what);
    });
}

} // namespace llmproxy
