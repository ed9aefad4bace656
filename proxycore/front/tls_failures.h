// SPDX-License-Identifier: GPL-3.0-only
// Handshakes that failed: each is counted, and a minute has ten lines in the log at most, then one with the number of the others.
// One per engine thread. Thread: its poller's.
#pragma once

#include "front/front_counts.h"
#include "front/poller.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace llmproxy {

class TlsFailures
{
public:
    // counts: null for none.
    TlsFailures(Poller &poller, FrontCounts *counts);

    void failed(const std::string &clientIp, std::string_view why);

private:
    void tellRest();

    static constexpr int linesPerMinute = 10;
    FrontCounts *m_counts;
    Timer m_minute;
    int m_lines = 0;
    int64_t m_untold = 0;
};

} // namespace llmproxy
