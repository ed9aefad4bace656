// SPDX-License-Identifier: GPL-3.0-only
// Ruling 18: asks OpenAI-like providers for the usage chunk of a stream when the client did not, and takes
// that one event out of the answer again. The exception to byte-for-byte. Thread: its exchange's.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

// The body with "stream_options":{"include_usage":true} added before its last brace.
std::string withStreamUsage(std::string_view body);

class StreamUsageFilter
{
public:
    // Only what can still become the usage event waits (at most 64 KiB); all else goes on at once.
    std::string pass(std::string_view bytes);
    std::string rest(); // at the end of the stream

private:
    void endLine(std::string *out);

    std::string m_event;       // of the current event, what waits
    bool m_released = false;   // of the current event a part has gone: the rest follows
    bool m_inComment = false;
    bool m_atLineStart = true;
    bool m_lineHasText = false;
};

} // namespace llmproxy
