// SPDX-License-Identifier: GPL-3.0-only
// The data of server-sent events (WHATWG HTML, section 9.2) while they stream by: "data" lines, several of one event joined by a line
// end; lines end with CR, LF or both. Nothing is kept. Thread: its request's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

class EventData
{
public:
    // Told of each piece; begins: the first of its event.
    using Sink = std::function<void(std::string_view piece, bool begins)>;
    void feed(std::string_view bytes, const Sink &sink);
    int64_t count() const { return m_count; } // events with data

private:
    std::string_view afterName(std::string_view bytes, const Sink &sink);

    enum class Line : uint8_t { Name, Data, Skip } m_line = Line::Name;
    std::string m_name;     // as far as it came
    bool m_hasData = false; // the event has a data line already
    bool m_afterCr = false;
    int64_t m_count = 0;
};

} // namespace llmproxy
