// SPDX-License-Identifier: GPL-3.0-only
// Where providers report usage: a table of JSON paths for each shape of answer, and for each number whether the provider counts it inside
// the shape's total or apart from it, with the documentation that says so. A new provider is a row here. Thread: any; constants.
#pragma once

#include "usage/usage.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy {

enum class UsageField : uint8_t {
    // As UsagePart, in its order.
    Cached, CacheWrite, CacheWrite1h, Reasoning, AudioInput, AudioOutput, ImageInput, ImageOutput, Searches, Seconds, Pages,
    Prompt,     // input, or that of it which the provider calls so
    Completion, // output, likewise
    ToolPrompt, // what the provider's own tools put into the prompt
    Total,      // the provider's own sum, which is only compared with
};

enum class UsageSense : uint8_t {
    Total,          // a total; each makes an answer this shape's, unless the shape has marks
    Inside,         // part of its total, or beside them
    Apart,          // the provider leaves it out of its total: it is added
    MarkApart,      // Apart, and makes an answer this shape's
    InsideByTotal,  // Inside, unless the provider's own sum says that it is apart
    ApartByTotal,   // Apart, unless the provider's own sum says that it is inside
};

struct UsageRow
{
    // "usage.details[AUDIO]": in this list, the number of the element that says AUDIO.
    std::string_view path;
    UsageField field;
    UsageSense sense;
};

struct UsageShape
{
    std::string_view name;
    std::string_view source; // the documentation, without https://
    std::span<const UsageRow> rows; // of several for one field, the first that has a number counts
};

// In the order in which they are tried.
std::span<const UsageShape> usageShapes();

// All paths of the table for a JsonScanner, below each of the places where providers put them.
class UsagePaths
{
public:
    static const UsagePaths &instance();

    enum Id : int { Model, ServiceTier, Finish, FinishType, Text, FirstSlot };
    const JsonPaths &paths() const { return m_paths; }
    const std::vector<int> &rowSlots(size_t shape) const { return m_rowSlots[shape]; } // of its rows, in their order
    bool isOutput(int slot) const { return at(slot).isOutput; }
    bool isTime(int slot) const { return at(slot).isTime; } // in seconds, not always whole ones
    bool addsUp(int slot) const { return at(slot).addsUp; } // over the elements of a list
    // What to look for in the elements of a list that was found.
    using Word = std::pair<std::string_view, int>; // word and slot
    const std::vector<Word> &wordsOf(int slot) const { return at(slot).words; }

private:
    struct Slot
    {
        std::string_view path;
        std::vector<Word> words = {};
        bool isOutput = false, addsUp = false, isTime = false;
    };
    UsagePaths();
    const Slot &at(int slot) const { return m_slots[static_cast<size_t>(slot - FirstSlot)]; }
    int slotOf(std::string_view path);
    int addRow(const UsageRow &row);
    void addBelowPlaces(std::string_view path, int id, JsonPaths::Take take);

    JsonPaths m_paths;
    std::vector<Slot> m_slots;
    std::vector<std::vector<int>> m_rowSlots;
};

// What the numbers found say, by the first shape that they fit. found: slot and number.
void applyShape(const std::vector<std::pair<int, int64_t>> &found, bool countsReasoningApart, Usage *usage);

} // namespace llmproxy
