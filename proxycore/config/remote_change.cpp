// SPDX-License-Identifier: GPL-3.0-only
// Ruling 50: what a management credential may change from afar, by the settings' declarations.
#include "config/settings.h"

#include <charconv>

namespace llmproxy {

namespace {

// How much a value is, in the unit of its kind; nullopt: it is no such value.
std::optional<int64_t> amountOf(const SettingDeclaration &declaration, const std::string &value)
{
    if (declaration.accepts.starts_with("duration"))
        return parseDurationMs(value);
    if (declaration.accepts.starts_with("size"))
        return parseSize(value);
    if (declaration.accepts.starts_with("rate"))
        return parseRatePerMinute(value);
    int64_t number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    return read.ec == std::errc() && read.ptr == value.data() + value.size() ? std::optional(number) : std::nullopt;
}

std::string onTheMachine(const SettingDeclaration &declaration, const std::string &what)
{
    return declaration.name + " " + what + " Change it on the machine itself: as a flag, in the environment, in .env, or in the console there.";
}

} // namespace

std::string_view nameOf(RemoteChange change)
{
    switch (change) {
    case RemoteChange::Yes:
        return "yes";
    case RemoteChange::Lower:
        return "lower";
    case RemoteChange::Raise:
        return "raise";
    case RemoteChange::No:
        break;
    }
    return "no";
}

bool countsAsSet(std::string_view name)
{
    return name == "MAX_CONNECTIONS_PER_IP" || name == "IP_RATE_LIMIT" || name == "AUTH_FAILURE_LIMIT";
}

std::string whyNotRemote(const SettingDeclaration &declaration, const std::optional<std::string> &before, const std::optional<std::string> &after)
{
    if (before == after || declaration.remote == RemoteChange::Yes)
        return {};
    if (declaration.remote == RemoteChange::No)
        return onTheMachine(declaration, "cannot be changed with a management credential.");
    const std::string standing = before.value_or(declaration.defaultText);
    const auto was = amountOf(declaration, standing), becomes = amountOf(declaration, after.value_or(declaration.defaultText));
    if (!becomes)
        return {}; // it is refused for what it is
    const auto exceeds = [&](int64_t a, int64_t b) { return declaration.isZeroNoLimit && (a == 0 || b == 0) ? a == 0 && b != 0 : a > b; };
    const bool isRaise = declaration.remote == RemoteChange::Raise;
    const bool isLooser = !was || (isRaise ? exceeds(*was, *becomes) : exceeds(*becomes, *was)) || (!after && countsAsSet(declaration.name));
    if (!isLooser)
        return {};
    return onTheMachine(declaration, std::string("can only be ") + (isRaise ? "raised" : "lowered") + " with a management credential; it is " + standing + ".");
}

} // namespace llmproxy
