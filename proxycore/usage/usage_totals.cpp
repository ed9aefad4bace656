// SPDX-License-Identifier: GPL-3.0-only
// Ruling 51: from the numbers of a shape to all input, all output, and what is known of their parts.
#include "usage/usage_shapes.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace llmproxy {

namespace {

using Found = std::vector<std::pair<int, int64_t>>;

int64_t numberOf(const Found &found, int slot)
{
    const auto number = std::find_if(found.begin(), found.end(), [slot](const auto &each) { return each.first == slot; });
    return number == found.end() ? -1 : number->second;
}

bool isInput(UsageField field)
{
    return field == UsageField::Cached || field == UsageField::CacheWrite || field == UsageField::ToolPrompt;
}

// The numbers of one shape, each field once.
class Reckoning
{
public:
    Reckoning(const UsageShape &shape, const std::vector<int> &slots, const Found &found)
    {
        bool hasMarks = false, isTotal = false, isMarked = false;
        for (size_t at = 0; at < slots.size(); ++at) {
            const UsageRow &row = shape.rows[at];
            const int64_t number = numberOf(found, slots[at]);
            hasMarks = hasMarks || row.sense == UsageSense::MarkApart;
            isTotal = isTotal || (number >= 0 && row.sense == UsageSense::Total);
            isMarked = isMarked || (number >= 0 && row.sense == UsageSense::MarkApart);
            Entry &entry = m_entries[static_cast<size_t>(row.field)];
            if (number >= 0 && entry.number < 0)
                entry = {number, row.sense};
        }
        m_fits = hasMarks ? isMarked : isTotal;
    }
    bool fits() const { return m_fits; }

    void apply(bool reasoningApart, Usage *usage)
    {
        addApart(reasoningApart);
        usage->promptTokens = of(UsageField::Prompt).number;
        usage->completionTokens = of(UsageField::Completion).number;
        for (size_t part = 0; part < usage->parts.size(); ++part)
            usage->parts[part] = m_entries[part].number;
    }

private:
    struct Entry
    {
        int64_t number = -1;
        UsageSense sense = UsageSense::Inside;
    };
    // Where the sum could mean either, the first: providers that count reasoning apart are many, those that count cache apart say no sum.
    static constexpr UsageField movable[] = {UsageField::Reasoning, UsageField::ToolPrompt, UsageField::Cached, UsageField::CacheWrite};

    Entry &of(UsageField field) { return m_entries[static_cast<size_t>(field)]; }
    Entry &baseOf(UsageField field) { return of(isInput(field) ? UsageField::Prompt : UsageField::Completion); }
    void add(UsageField field)
    {
        Entry &base = baseOf(field);
        base.number = std::max<int64_t>(base.number, 0) + of(field).number;
    }

    void addApart(bool reasoningApart)
    {
        std::vector<UsageField> open; // the provider's own sum decides
        for (const UsageField field : movable) {
            const Entry &entry = of(field);
            if (entry.number <= 0 || entry.sense == UsageSense::Inside)
                continue;
            // What is more than its total cannot be inside it.
            if (entry.sense == UsageSense::Apart || entry.sense == UsageSense::MarkApart || entry.number > std::max<int64_t>(baseOf(field).number, 0))
                m_surely.push_back(field);
            else
                open.push_back(field);
        }
        const std::optional<unsigned> bySum = subsetOfSum(open);
        for (size_t at = 0; at < open.size(); ++at) {
            const bool byDefault = of(open[at]).sense == UsageSense::ApartByTotal || (reasoningApart && open[at] == UsageField::Reasoning);
            if (bySum ? (*bySum >> at & 1) != 0 : byDefault)
                m_surely.push_back(open[at]);
        }
        for (const UsageField field : m_surely)
            add(field);
    }

    // Which of them, added to the totals, make the provider's sum; as few as possible. Bit n: the nth.
    std::optional<unsigned> subsetOfSum(const std::vector<UsageField> &open)
    {
        const int64_t total = of(UsageField::Total).number;
        if (total < 0)
            return std::nullopt;
        int64_t base = std::max<int64_t>(of(UsageField::Prompt).number, 0) + std::max<int64_t>(of(UsageField::Completion).number, 0);
        for (const UsageField field : m_surely)
            base += of(field).number;
        std::optional<unsigned> best;
        for (unsigned subset = 0; subset < 1U << open.size(); ++subset) {
            int64_t sum = base;
            for (size_t at = 0; at < open.size(); ++at)
                sum += (subset >> at & 1) != 0 ? of(open[at]).number : 0;
            if (sum == total && (!best || std::popcount(subset) < std::popcount(*best)))
                best = subset;
        }
        return best;
    }

    std::array<Entry, static_cast<size_t>(UsageField::Total) + 1> m_entries;
    std::vector<UsageField> m_surely;
    bool m_fits = false;
};

} // namespace

void applyShape(const Found &found, bool countsReasoningApart, Usage *usage)
{
    if (found.empty())
        return;
    const std::span<const UsageShape> shapes = usageShapes();
    for (size_t at = 0; at < shapes.size(); ++at) {
        Reckoning reckoning(shapes[at], UsagePaths::instance().rowSlots(at), found);
        if (reckoning.fits()) {
            reckoning.apply(countsReasoningApart && shapes[at].name == "chat", usage);
            return;
        }
    }
}

} // namespace llmproxy
