// SPDX-License-Identifier: GPL-3.0-only
#include "usage/event_data.h"

#include <algorithm>
#include <cstring>

namespace llmproxy {

namespace {

constexpr std::string_view byteOrderMark = "\xef\xbb\xbf";

size_t lineEnd(std::string_view bytes)
{
    const size_t newline = std::min(bytes.find('\n'), bytes.size());
    return std::min(bytes.substr(0, newline).find('\r'), newline);
}

} // namespace

// One byte of a line whose field is not known yet.
std::string_view EventData::afterName(std::string_view bytes, const Sink &sink)
{
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c == '\n' || c == '\r') {
        if (m_name.empty())
            m_hasData = false; // an empty line ends the event
        m_name.clear();
        m_afterCr = c == '\r';
        return bytes;
    }
    m_name += c;
    if (m_name == byteOrderMark)
        m_name.clear();
    else if (std::string_view("data:").substr(0, m_name.size()) != m_name && byteOrderMark.substr(0, m_name.size()) != m_name)
        m_line = Line::Skip;
    else if (m_name.size() == 5) {
        m_line = Line::Data;
        m_count += m_hasData ? 0 : 1;
        sink(m_hasData ? "\n" : "", !m_hasData);
        m_hasData = true;
    }
    return bytes;
}

void EventData::feed(std::string_view bytes, const Sink &sink)
{
    while (!bytes.empty()) {
        if (m_afterCr && bytes.front() == '\n')
            bytes.remove_prefix(1);
        m_afterCr = false;
        if (bytes.empty())
            return;
        if (m_line == Line::Name) {
            bytes = afterName(bytes, sink);
            continue;
        }
        const size_t end = lineEnd(bytes);
        if (m_line == Line::Data && end > 0)
            sink(bytes.substr(0, end), false);
        if (end == bytes.size())
            return;
        m_line = Line::Name;
        m_name.clear();
        m_afterCr = bytes[end] == '\r';
        bytes.remove_prefix(end + 1);
    }
}

} // namespace llmproxy
