// SPDX-License-Identifier: GPL-3.0-only
#include "usage/usage_shapes.h"

#include <algorithm>

namespace llmproxy {

namespace {

// Where the answer, or the part of it that is reported, begins in an event: Responses; Anthropic; Groq; Cohere.
constexpr std::string_view places[] = {"", "response.", "message.", "x_groq.", "delta."};
constexpr std::string_view modelPaths[] = {"model", "modelVersion"};
constexpr std::string_view tierPaths[] = {"service_tier", "usage.service_tier", "usageMetadata.serviceTier", "usageMetadata.trafficType", "serviceTier.type"};
constexpr std::string_view finishPaths[] = {"choices[].finish_reason", "candidates[].finishReason", "stop_reason", "delta.stop_reason", "stopReason",
                                            "finish_reason", "delta.finish_reason", "done"};
// Output as it streams: text, thoughts and the arguments of tools, each once.
constexpr std::string_view textPaths[] = {
    "choices[].delta.content", "choices[].delta.reasoning_content", "choices[].delta.reasoning", "choices[].delta.refusal",
    "choices[].delta.tool_calls[].function.arguments", "choices[].text", "choices[].message.content", "delta", "delta.text", "delta.thinking",
    "delta.partial_json", "delta.toolUse.input", "delta.reasoningContent.text", "delta.message.content.text", "candidates[].content.parts[].text",
    "message.content", "message.thinking", "response", "content[].text", "output[].content[].text",
};

} // namespace

const UsagePaths &UsagePaths::instance()
{
    static const UsagePaths paths;
    return paths;
}

UsagePaths::UsagePaths()
{
    for (const UsageShape &shape : usageShapes()) {
        std::vector<int> &slots = m_rowSlots.emplace_back();
        for (const UsageRow &row : shape.rows)
            slots.push_back(addRow(row));
    }
    for (const std::string_view path : modelPaths)
        addBelowPlaces(path, Model, JsonPaths::Take::Value);
    for (const std::string_view path : tierPaths)
        addBelowPlaces(path, ServiceTier, JsonPaths::Take::Value);
    for (const std::string_view path : finishPaths)
        m_paths.add(path, Finish, JsonPaths::Take::Value);
    m_paths.add("type", FinishType, JsonPaths::Take::Value);
    for (const std::string_view path : textPaths)
        m_paths.add(path, Text, JsonPaths::Take::Pieces);
}

void UsagePaths::addBelowPlaces(std::string_view path, int id, JsonPaths::Take take)
{
    for (const std::string_view place : places)
        m_paths.add(std::string(place).append(path), id, take);
}

int UsagePaths::slotOf(std::string_view path)
{
    const auto found = std::find_if(m_slots.begin(), m_slots.end(), [path](const Slot &slot) { return slot.path == path; });
    const auto index = found - m_slots.begin();
    if (found == m_slots.end())
        m_slots.push_back({path});
    return FirstSlot + static_cast<int>(index);
}

int UsagePaths::addRow(const UsageRow &row)
{
    const int slot = slotOf(row.path);
    Slot &made = m_slots[static_cast<size_t>(slot - FirstSlot)];
    made.isOutput = row.field == UsageField::Completion;
    made.isTime = row.field == UsageField::Seconds;
    const size_t bracket = row.path.find('[');
    made.addsUp = bracket != std::string_view::npos && row.path[bracket + 1] == ']';
    if (!row.path.ends_with(']')) {
        addBelowPlaces(row.path, slot, JsonPaths::Take::Value);
        return slot;
    }
    const std::string_view word = row.path.substr(bracket + 1, row.path.size() - bracket - 2);
    const int list = slotOf(row.path.substr(0, bracket));
    m_slots[static_cast<size_t>(list - FirstSlot)].words.emplace_back(word, slot);
    addBelowPlaces(row.path.substr(0, bracket), list, JsonPaths::Take::List);
    return slot;
}

} // namespace llmproxy
