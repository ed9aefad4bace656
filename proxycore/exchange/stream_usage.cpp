// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/stream_usage.h"

#include <simdjson.h>

namespace llmproxy {

namespace {

constexpr size_t maxWaiting = 64 * 1024;

// The event that providers add for include_usage: no choices, and a usage object.
bool isUsageEvent(std::string_view event)
{
    if (event.size() > 16 * 1024 || event.find("\"usage\"") == std::string_view::npos)
        return false;
    const size_t at = event.find("data:");
    if (at != 0 && (at == std::string_view::npos || event[at - 1] != '\n'))
        return false;
    std::string_view data = event.substr(at + 5);
    data = data.substr(0, data.find_first_of("\r\n"));
    thread_local simdjson::dom::parser parser;
    const simdjson::padded_string text(data);
    simdjson::dom::element root;
    simdjson::dom::array choices;
    simdjson::dom::object usage;
    return parser.parse(text).get(root) == simdjson::SUCCESS && root["choices"].get(choices) == simdjson::SUCCESS
           && choices.size() == 0 && root["usage"].get(usage) == simdjson::SUCCESS;
}

// One past the empty line that ends the first event; npos when there is none yet.
size_t eventEnd(std::string_view text, size_t from)
{
    for (size_t at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        if (at + 1 < text.size() && text[at + 1] == '\n')
            return at + 2;
        if (at + 2 < text.size() && text[at + 1] == '\r' && text[at + 2] == '\n')
            return at + 3;
    }
    return std::string_view::npos;
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
    const size_t from = m_event.size() < 3 ? 0 : m_event.size() - 3;
    m_event.append(bytes);
    size_t start = 0;
    for (size_t end = eventEnd(m_event, from); end != std::string_view::npos; end = eventEnd(m_event, start)) {
        const std::string_view event = std::string_view(m_event).substr(start, end - start);
        if (m_tooLong || !isUsageEvent(event))
            out += event;
        m_tooLong = false;
        start = end;
    }
    m_event.erase(0, start);
    if (m_tooLong || m_event.size() > maxWaiting) {
        m_tooLong = true;
        // Keep the bytes that could be half of the empty line.
        const size_t keep = std::min<size_t>(m_event.size(), 3);
        out += m_event.substr(0, m_event.size() - keep);
        m_event.erase(0, m_event.size() - keep);
    }
    return out;
}

std::string StreamUsageFilter::rest()
{
    std::string out;
    out.swap(m_event);
    return out;
}

} // namespace llmproxy
