// SPDX-License-Identifier: GPL-3.0-only
// Model and token numbers that a provider's answer carries, in the forms of OpenAI (chat, Responses,
// embeddings), Anthropic, Gemini and Ollama; from whole JSON bodies, NDJSON and server-sent events, while
// they stream by. Unknown is -1, never 0. Thread: its request's.
#pragma once

#include "usage/json_scanner.h"

#include <string>
#include <string_view>

namespace llmproxy {

struct Usage
{
    int64_t promptTokens = -1;
    int64_t completionTokens = -1;
    std::string model; // as the provider names it; empty when unknown
    bool known() const { return promptTokens >= 0 || completionTokens >= 0; }
};

class UsageReader
{
public:
    UsageReader();
    // By Content-Type; false: this kind of body carries no usage.
    bool begin(std::string_view contentType);
    void feed(std::string_view bytes);
    void forget() { m_usage = Usage(); } // everything is unknown again
    const Usage &usage() const { return m_usage; }
    int64_t events() const { return m_eventCount; } // data lines of server-sent events so far

private:
    void feedEvents(std::string_view bytes);
    void onFound(std::string_view key, std::string_view raw);

    JsonScanner m_scanner;
    Usage m_usage;
    bool m_events = false;
    int64_t m_eventCount = 0;
    enum class Line { Start, Data, Skip } m_line = Line::Start;
    std::string m_prefix; // of a line whose field name is not complete
};

} // namespace llmproxy
