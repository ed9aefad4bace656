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
    // Whole events go on at once; only an event that is not complete yet waits (up to 64 KiB).
    std::string pass(std::string_view bytes);
    std::string rest(); // at the end of the stream

private:
    std::string m_event;
    bool m_tooLong = false; // of the current event a part has gone already
};

} // namespace llmproxy
