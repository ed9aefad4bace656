// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/stream_usage.h"

#include "usage/event_data.h"

#include <algorithm>
#include <simdjson.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t maxWaiting = 64 * 1024;

// The event that providers add for include_usage: no choices, and a usage object.
bool isUsageEvent(std::string_view event)
{
    if (event.size() > 16 * 1024 || event.find("\"usage\"") == std::string_view::npos)
        return false;
    std::string data;
    EventData lines;
    lines.feed(event, [&data](std::string_view piece, bool) { data += piece; });
    thread_local simdjson::dom::parser parser;
    const simdjson::padded_string text(data);
    simdjson::dom::element root;
    simdjson::dom::array choices;
    simdjson::dom::object usage;
    return parser.parse(text).get(root) == simdjson::SUCCESS && root["choices"].get(choices) == simdjson::SUCCESS
           && choices.size() == 0 && root["usage"].get(usage) == simdjson::SUCCESS;
}

// False as soon as it is clear: an event with a choice in it is the client's.
bool canBecomeUsageEvent(std::string_view event)
{
    if (event.size() > maxWaiting)
        return false;
    static constexpr std::string_view name = "\"choices\"";
    const size_t at = event.find(name);
    if (at == std::string_view::npos)
        return true;
    size_t next = at + name.size();
    const auto skip = [&](char c) {
        next = std::min(event.find_first_not_of(" \t", next), event.size());
        return next == event.size() || event[next++] == c;
    };
    return skip(':') && skip('[') && skip(']');
}

} // namespace

std::string withStreamUsage(std::string_view body)
{
    const size_t brace = body.rfind('}');
    std::string out(body.substr(0, brace));
    out += R"(,"stream_options":{"include_usage":true})";
    out += body.substr(brace);
    return out;
}

std::string StreamUsageFilter::pass(std::string_view bytes)
{
    std::string out;
    while (!bytes.empty()) {
        if (m_atLineStart && m_event.empty() && bytes.front() == ':')
            m_inComment = true; // pings go on at once
        const size_t newline = bytes.find('\n');
        const std::string_view part = bytes.substr(0, newline == std::string_view::npos ? bytes.size() : newline + 1);
        bytes.remove_prefix(part.size());
        m_atLineStart = false;
        m_lineHasText = m_lineHasText || part.find_first_not_of("\r\n") != std::string_view::npos;
        if (m_released || m_inComment)
            out += part;
        else
            m_event += part;
        if (newline != std::string_view::npos)
            endLine(&out);
        if (!m_event.empty() && !canBecomeUsageEvent(m_event)) {
            out += rest();
            m_released = true;
        }
    }
    return out;
}

void StreamUsageFilter::endLine(std::string *out)
{
    if (!m_lineHasText) { // an empty line ends the event
        const std::string event = rest();
        if (!isUsageEvent(event))
            *out += event;
        m_released = false;
    }
    m_atLineStart = true;
    m_lineHasText = m_inComment = false;
}

std::string StreamUsageFilter::rest()
{
    return std::exchange(m_event, {});
}

} // namespace llmproxy
