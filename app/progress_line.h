// SPDX-License-Identifier: GPL-3.0-only
// "verifying  43 %  4,300,000 of 10,000,000 events" on stderr while a job of the server runs; nothing when that is no terminal.
#pragma once

#include "management_client.h"
#include "side_thread.h"

#include <string>

namespace llmproxy {

class ProgressLine
{
public:
    // client outlives it, and may be asked from its thread.
    ProgressLine(ManagementClient &client, std::string title);
    ~ProgressLine(); // the line is gone
    ProgressLine(const ProgressLine &) = delete;
    ProgressLine &operator=(const ProgressLine &) = delete;

private:
    void run();

    ManagementClient &m_client;
    const std::string m_title;
    SideThread m_thread;
};

} // namespace llmproxy
