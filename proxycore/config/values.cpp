// SPDX-License-Identifier: GPL-3.0-only
// Strict readers: exactly the form or nothing.
#include "config/settings.h"

#include "base/ascii.h"

#include <algorithm>
#include <charconv>

namespace llmproxy {

namespace {

// Digits at the start; the rest is the unit.
std::optional<int64_t> leadingNumber(std::string_view text, std::string_view *unit)
{
    int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || text.empty() || text.front() == '-' || text.front() == '+')
        return std::nullopt;
    *unit = text.substr(static_cast<size_t>(result.ptr - text.data()));
    return value;
}

std::optional<int64_t> times(int64_t value, int64_t factor)
{
    if (value != 0 && factor > INT64_MAX / 1000 / value)
        return std::nullopt;
    return value * factor;
}

} // namespace

std::optional<int64_t> parseDurationMs(std::string_view text)
{
    std::string_view unit;
    const auto value = leadingNumber(text, &unit);
    if (!value)
        return std::nullopt;
    if (*value == 0 && unit.empty())
        return 0;
    for (const auto &[name, factor] : {std::pair<std::string_view, int64_t>{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}) {
        if (unit == name)
            return times(*value, factor);
    }
    return std::nullopt;
}

std::optional<int64_t> parseSize(std::string_view text)
{
    std::string_view unit;
    const auto value = leadingNumber(text, &unit);
    if (!value)
        return std::nullopt;
    if (*value == 0 && unit.empty())
        return 0;
    for (const auto &[name, factor] : {std::pair<std::string_view, int64_t>{"B", 1}, {"KB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000},
                                       {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}) {
        if (unit == name)
            return times(*value, factor);
    }
    return std::nullopt;
}

std::optional<bool> parseBool(std::string_view text)
{
    const std::string lower = lowerCased(text);
    if (lower == "true" || lower == "1" || lower == "yes" || lower == "on")
        return true;
    if (lower == "false" || lower == "0" || lower == "no" || lower == "off")
        return false;
    return std::nullopt;
}

std::optional<int> parseRatePerMinute(std::string_view text)
{
    std::string_view unit;
    const auto value = leadingNumber(text, &unit);
    if (!value || *value > 1'000'000)
        return std::nullopt;
    if (unit.empty() || unit == "/m")
        return static_cast<int>(*value);
    return unit == "/s" ? std::optional<int>(static_cast<int>(*value * 60)) : std::nullopt;
}

} // namespace llmproxy
