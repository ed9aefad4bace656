// SPDX-License-Identifier: GPL-3.0-only
// What a provider's answer used: model, totals and their parts (ruling 51), read while the answer streams by from JSON, NDJSON,
// server-sent events and AWS event streams. Where the numbers stand, and which provider counts what inside a total, is a table
// (usage/usage_shapes.h). Unknown is -1, never 0. Thread: values; UsageReader: its request's.
//
// A stream that was cut is settled from what passed: what the provider had reported counts, text that arrived after its last report
// counts one output token per four bytes, and where no input was reported, the request counts one token per four bytes of its text
// (usage/text_meter.h). Such a usage is estimated, unless the answer's end (a finish reason, and with or behind it a whole report) had arrived.
#pragma once

#include "usage/aws_event_stream.h"
#include "usage/event_data.h"
#include "usage/json_scanner.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy {

// Of the totals, when known; searches, seconds and pages are counted beside them.
enum class UsagePart : uint8_t {
    Cached,       // input read from a cache
    CacheWrite,   // input written to a cache, for any time
    CacheWrite1h, // of these: for an hour
    Reasoning,    // output
    AudioInput,
    AudioOutput,
    ImageInput,
    ImageOutput,
    Searches, // in the web, made by the provider
    Seconds,  // of audio, rounded up
    Pages,    // of documents
};

// As in events, API and columns.
inline constexpr std::array<std::string_view, 11> usagePartNames = {
    "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens",
    "image_input_tokens", "image_output_tokens", "searches", "seconds", "pages"};

struct Usage
{
    int64_t promptTokens = -1;     // all input
    int64_t completionTokens = -1; // all output
    std::array<int64_t, usagePartNames.size()> parts{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    std::string serviceTier; // the one that served; empty when unknown
    std::string model;       // as the provider names it; empty when unknown
    bool estimated = false;

    bool known() const { return promptTokens >= 0 || completionTokens >= 0; }
    int64_t &part(UsagePart part) { return parts[static_cast<size_t>(part)]; }
    int64_t part(UsagePart part) const { return parts[static_cast<size_t>(part)]; }
    bool operator==(const Usage &) const = default;
};

class UsageReader
{
public:
    UsageReader();
    // By Content-Type; false: this kind of body carries no usage. countsReasoningApart: of the
    // provider's profile: in chat completions, where the answer has no sum that tells.
    bool begin(std::string_view contentType, bool countsReasoningApart = false);
    void feed(std::string_view bytes);
    void forget(); // everything is unknown again
    Usage usage() const; // as far as it is reported
    // Of an answer that was cut. requestText: bytes of text in the request; -1: not known.
    Usage settled(int64_t requestText) const;
    const std::string &model() const { return m_model; }
    int64_t events() const { return m_events.count(); } // server-sent events with data so far

private:
    void onFound(int id, std::string_view raw);
    void onList(int id, std::string_view raw);
    void note(int slot, int64_t value);

    JsonScanner m_scanner;
    EventData m_events;
    AwsEventStream m_awsEvents;
    enum class Form : uint8_t { Json, Events, AwsEvents } m_form = Form::Json;
    bool m_reasoningApart = false;
    bool m_finished = false;      // the answer's own end has passed
    bool m_isFinal = false;       // and then a whole report
    int64_t m_textSinceUsage = 0; // bytes of output after the last report
    std::vector<std::pair<int, int64_t>> m_found; // slot of usage_shapes.h and its last number
    std::string m_model, m_serviceTier;
};

} // namespace llmproxy
