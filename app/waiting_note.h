// SPDX-License-Identifier: GPL-3.0-only
// "llm-proxy: waiting for …" on stderr when something takes longer than a second: whoever waits knows what for.
#pragma once

#include "side_thread.h"

#include <string>

namespace llmproxy {

class WaitingNote
{
public:
    explicit WaitingNote(std::string what); // from now on, until this goes

private:
    SideThread m_thread;
};

} // namespace llmproxy
