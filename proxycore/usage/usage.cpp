// SPDX-License-Identifier: GPL-3.0-only
#include "usage/usage.h"

#include "usage/usage_shapes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <simdjson.h>

namespace llmproxy {

namespace {

// No request has more tokens. A provider may say anything: two numbers near the end of what 64 bits hold have no sum, and SQLite refuses
// to add them, for all of the usage.
constexpr int64_t mostTokens = 1'000'000'000;
constexpr size_t longestModel = 256;
constexpr size_t longestTier = 32;
constexpr int64_t bytesPerToken = 4; // of English text, in all of today's vocabularies

// -1: not a number, or not one that anything has.
template<typename Value>
Value number(std::string_view text)
{
    Value value = -1;
    const char *const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    return result.ec == std::errc() && result.ptr == end && value >= 0 && value <= static_cast<Value>(mostTokens) ? value : -1; // 1e300 is not 1
}

int64_t wholeNumber(std::string_view text, bool isTime)
{
    return isTime ? static_cast<int64_t>(std::ceil(number<double>(text))) : number<int64_t>(text);
}

// A provider may name anything, and this is written to events: one word. "auto" was asked for; what served has another name.
bool isTier(std::string_view text)
{
    return !text.empty() && text.size() <= longestTier && text != "null" && text != "auto"
           && std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-'; });
}

bool endsAnswer(std::string_view type)
{
    return type.ends_with(".completed") || type.ends_with(".incomplete") || type.ends_with(".failed") || type == "transcript.text.done";
}

int64_t tokensOf(int64_t bytes)
{
    return (bytes + bytesPerToken - 1) / bytesPerToken;
}

} // namespace

UsageReader::UsageReader() : m_scanner(UsagePaths::instance().paths(), [this](int id, std::string_view raw) { onFound(id, raw); }) {}

bool UsageReader::begin(std::string_view contentType, bool countsReasoningApart)
{
    m_reasoningApart = countsReasoningApart;
    if (contentType.find("text/event-stream") != std::string_view::npos)
        m_form = Form::Events;
    else if (contentType.find("application/vnd.amazon.eventstream") != std::string_view::npos)
        m_form = Form::AwsEvents;
    else
        return contentType.find("json") != std::string_view::npos;
    return true;
}

void UsageReader::feed(std::string_view bytes)
{
    const auto feedPart = [this](std::string_view piece, bool begins) {
        if (begins)
            m_scanner.reset();
        m_scanner.feed(piece);
    };
    if (m_form == Form::Events)
        m_events.feed(bytes, feedPart);
    else if (m_form == Form::AwsEvents)
        m_awsEvents.feed(bytes, feedPart);
    else
        m_scanner.feed(bytes);
}

void UsageReader::forget()
{
    m_found.clear();
    m_model.clear();
    m_serviceTier.clear();
    m_textSinceUsage = 0;
    m_finished = m_isFinal = false;
}

void UsageReader::onFound(int id, std::string_view raw)
{
    switch (id) {
    case JsonScanner::documentEnd:
        m_isFinal = m_finished && m_textSinceUsage == 0 && usage().completionTokens >= 0;
        break;
    case UsagePaths::Text:
        m_isFinal = false;
        m_textSinceUsage += static_cast<int64_t>(raw.size());
        break;
    case UsagePaths::Model:
        if (!raw.empty() && raw != "null" && raw.size() <= longestModel)
            m_model = raw;
        break;
    case UsagePaths::ServiceTier:
        if (isTier(raw))
            m_serviceTier = raw;
        break;
    case UsagePaths::Finish:
        m_finished = m_finished || (!raw.empty() && raw != "null" && raw != "false");
        break;
    case UsagePaths::FinishType:
        m_finished = m_finished || endsAnswer(raw);
        break;
    default:
        if (!UsagePaths::instance().wordsOf(id).empty())
            onList(id, raw);
        else
            note(id, wholeNumber(raw, UsagePaths::instance().isTime(id)));
    }
}

// A list like [{"modality":"AUDIO","tokenCount":7}]: an element's one text says of what its one number is.
void UsageReader::onList(int id, std::string_view raw)
{
    thread_local simdjson::dom::parser parser;
    simdjson::dom::array list;
    if (parser.parse(simdjson::padded_string(raw)).get(list) != simdjson::SUCCESS)
        return;
    for (const auto &[word, slot] : UsagePaths::instance().wordsOf(id)) {
        int64_t sum = -1;
        for (const simdjson::dom::element element : list) {
            simdjson::dom::object members;
            if (element.get(members) != simdjson::SUCCESS)
                continue;
            int64_t count = -1;
            bool isMeant = false;
            for (const auto [name, value] : members) {
                std::string_view text;
                isMeant = isMeant || (value.get(text) == simdjson::SUCCESS && text == word);
                int64_t tokens = 0;
                if (value.get(tokens) == simdjson::SUCCESS && tokens >= 0 && tokens <= mostTokens)
                    count = tokens;
            }
            if (isMeant && count >= 0)
                sum = std::min(std::max<int64_t>(sum, 0) + count, mostTokens);
        }
        note(slot, sum);
    }
}

// What a stream reports grows: the last number counts. A zero behind a number is of a provider that repeats only what is new.
void UsageReader::note(int slot, int64_t value)
{
    if (value < 0)
        return;
    m_isFinal = false;
    const UsagePaths &paths = UsagePaths::instance();
    if (paths.isOutput(slot))
        m_textSinceUsage = 0;
    const auto known = std::find_if(m_found.begin(), m_found.end(), [slot](const auto &each) { return each.first == slot; });
    if (known == m_found.end())
        m_found.emplace_back(slot, value);
    else if (paths.addsUp(slot))
        known->second = std::min(known->second + value, mostTokens);
    else if (value > 0)
        known->second = value;
}

Usage UsageReader::usage() const
{
    Usage usage;
    applyShape(m_found, m_reasoningApart, &usage);
    usage.model = m_model;
    usage.serviceTier = m_serviceTier;
    return usage;
}

Usage UsageReader::settled(int64_t requestText) const
{
    Usage usage = this->usage();
    if (m_isFinal)
        return usage;
    if (m_textSinceUsage > 0)
        usage.completionTokens = std::max<int64_t>(usage.completionTokens, 0) + tokensOf(m_textSinceUsage);
    if (usage.promptTokens < 0 && requestText >= 0)
        usage.promptTokens = tokensOf(requestText);
    usage.estimated = usage.known();
    return usage;
}

} // namespace llmproxy
