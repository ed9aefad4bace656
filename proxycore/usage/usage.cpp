// SPDX-License-Identifier: GPL-3.0-only
#include "usage/usage.h"

#include <charconv>

namespace llmproxy {

namespace {

// No request has more tokens. A provider may say anything: two numbers near the end of what 64 bits hold have no sum, and SQLite refuses
// to add them, for all of the usage.
constexpr int64_t mostTokens = 1'000'000'000;

int64_t number(std::string_view text)
{
    int64_t value = -1;
    const char *const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    return result.ec == std::errc() && result.ptr == end && value >= 0 && value <= mostTokens ? value : -1; // 1e300 is not 1
}

constexpr std::string_view outerKeys[] = {"usage", "usageMetadata", "model", "modelVersion", "prompt_eval_count", "eval_count"};
constexpr std::string_view innerKeys[] = {"prompt_tokens", "input_tokens", "promptTokenCount", "completion_tokens", "output_tokens", "candidatesTokenCount"};

} // namespace

UsageReader::UsageReader()
    : m_scanner(outerKeys, 2,
                [this](std::string_view key, std::string_view raw, int) { onFound(key, raw); })
{
}

bool UsageReader::begin(std::string_view contentType)
{
    m_events = contentType.find("text/event-stream") != std::string_view::npos;
    return m_events || contentType.find("json") != std::string_view::npos;
}

void UsageReader::feed(std::string_view bytes)
{
    if (m_events)
        feedEvents(bytes);
    else
        m_scanner.feed(bytes);
}

// WHATWG HTML, server-sent events: only "data:" lines carry the answer.
void UsageReader::feedEvents(std::string_view bytes)
{
    while (!bytes.empty()) {
        if (m_line == Line::Start) {
            const char c = bytes.front();
            if (c == '\n' || c == '\r') {
                m_prefix.clear();
                bytes.remove_prefix(1);
                continue;
            }
            m_prefix += c;
            bytes.remove_prefix(1);
            if (std::string_view("data:").substr(0, m_prefix.size()) != m_prefix) {
                m_line = Line::Skip;
            } else if (m_prefix.size() == 5) {
                m_line = Line::Data;
                ++m_eventCount;
                m_scanner.reset();
            }
            continue;
        }
        const size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        if (m_line == Line::Data)
            m_scanner.feed(part);
        if (end == std::string_view::npos)
            return;
        m_line = Line::Start;
        m_prefix.clear();
        bytes.remove_prefix(end + 1);
    }
}

void UsageReader::onFound(std::string_view key, std::string_view raw)
{
    if (key == "model" || key == "modelVersion") {
        if (!raw.empty() && raw != "null" && raw.size() <= 256)
            m_usage.model = raw;
        return;
    }
    const auto keep = [](int64_t value, int64_t *into) {
        if (value >= 0)
            *into = value;
    };
    if (key == "prompt_eval_count" || key == "eval_count") {
        keep(number(raw), key == "eval_count" ? &m_usage.completionTokens : &m_usage.promptTokens);
        return;
    }
    if (raw.empty() || raw.front() != '{')
        return; // "usage":null in the chunks before the last
    JsonScanner inner(innerKeys, 1, [&](std::string_view name, std::string_view value, int) {
                          const bool prompt = name == "prompt_tokens" || name == "input_tokens" || name == "promptTokenCount";
                          keep(number(value), prompt ? &m_usage.promptTokens : &m_usage.completionTokens);
                      });
    inner.feed(raw);
}

} // namespace llmproxy
