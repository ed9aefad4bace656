// SPDX-License-Identifier: GPL-3.0-only
#include "config/listen_address.h"

#include "access/host_rules.h"
#include "base/ascii.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace llmproxy {

namespace {

constexpr std::string_view listForm = "a list of addresses or names with ports is accepted, like 127.0.0.1:8080,[::1]:8080 or localhost:8080";

std::string inQuotes(std::string_view text)
{
    return '"' + std::string(text) + '"';
}

// Also what looks like a number to the system: 127.1 and 0x7f000001 would be looked up, and found.
bool isListenName(std::string_view name)
{
    const bool hasEmptyLabel = name.empty() || name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos;
    return !hasEmptyLabel && !IpAddress::parseHost(name)
           && std::all_of(name.begin(), name.end(), [](char c) { return isAsciiAlnum(c) || c == '.' || c == '-' || c == '_'; });
}

std::optional<uint16_t> portOf(std::string_view text)
{
    unsigned port = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool isWhole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    return isWhole && port <= 65535 ? std::optional(static_cast<uint16_t>(port)) : std::nullopt;
}

// Into host and port, without brackets; what is wrong, or empty.
std::string splitEntry(const std::string &entry, std::string *host, std::string_view *port)
{
    const bool isBracketed = entry.front() == '[';
    const size_t end = isBracketed ? entry.find(']') : entry.rfind(':');
    if (isBracketed && end == std::string::npos)
        return inQuotes(entry) + " has no closing bracket";
    const size_t colon = isBracketed ? end + 1 : end;
    if (!isBracketed && end != std::string::npos && entry.find(':') != end)
        return inQuotes(entry) + ": an IPv6 address is written in brackets, like [::1]:8080";
    if (colon == std::string::npos || colon >= entry.size() || entry[colon] != ':')
        return inQuotes(entry) + " has no port";
    *host = isBracketed ? entry.substr(1, end - 1) : entry.substr(0, end);
    *port = std::string_view(entry).substr(colon + 1);
    if (host->empty())
        return inQuotes(entry) + " has no address; 0.0.0.0 is all of IPv4, [::] is all of IPv6 and IPv4";
    return isBracketed && host->find(':') == std::string::npos ? inQuotes(entry) + ": only an IPv6 address is written in brackets" : std::string();
}

std::string readEntry(const std::string &entry, ListenAddress *into)
{
    std::string host;
    std::string_view digits;
    if (const std::string problem = splitEntry(entry, &host, &digits); !problem.empty())
        return problem;
    const auto port = portOf(digits);
    if (!port)
        return inQuotes(entry) + ": the port is a number from 0 to 65535";
    if (const auto address = IpAddress::parse(host)) {
        *into = ListenAddress::at(*address, *port);
        return {};
    }
    if (host.size() > 1 && host.back() == '.')
        host.pop_back();
    if (!isListenName(host))
        return inQuotes(entry) + ": " + inQuotes(host) + " is neither an IP address nor a host name";
    *into = {lowerCased(host), *port, isLocalhostName(host) ? localhostAddresses() : std::vector<IpAddress>()};
    return {};
}

std::string withoutSpaces(std::string_view text)
{
    const size_t begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

// Unlike other lists, one with an empty entry is a mistake: a listener is missing.
std::vector<std::string> entriesOf(const std::string &value)
{
    std::vector<std::string> entries;
    for (size_t begin = 0; begin <= value.size();) {
        const size_t comma = std::min(value.find(',', begin), value.size());
        entries.push_back(withoutSpaces(std::string_view(value).substr(begin, comma - begin)));
        begin = comma + 1;
    }
    return entries;
}

std::string urlHost(const std::string &host)
{
    return host.find(':') != std::string::npos ? "[" + host + "]" : host;
}

// The lower, the better.
int preferenceOf(const IpAddress &address)
{
    if (address.isLoopback())
        return address.isV4() ? 1 : 3;
    return isWildcard(address) ? 2 : 4;
}

} // namespace

ListenAddress ListenAddress::at(const IpAddress &address, uint16_t port)
{
    return {address.toString(), port, {address}};
}

bool ListenAddress::isName() const
{
    return !IpAddress::parse(host);
}

std::string ListenAddress::text() const
{
    return urlHost(host) + ":" + std::to_string(port);
}

std::string readListenAddresses(const std::string &value, ListenAddresses *into)
{
    if (value.empty())
        return std::string(listForm);
    ListenAddresses all;
    std::string problems;
    const auto complain = [&problems](const std::string &problem) { problems += (problems.empty() ? "" : "; ") + problem; };
    size_t number = 0;
    for (const std::string &entry : entriesOf(value)) {
        ++number;
        ListenAddress one;
        const std::string problem = entry.empty() ? "entry " + std::to_string(number) + " is empty" : readEntry(entry, &one);
        if (!problem.empty())
            complain(problem);
        else if (std::any_of(all.begin(), all.end(), [&](const ListenAddress &other) { return other.text() == one.text(); }))
            complain(inQuotes(entry) + " is listed twice");
        else
            all.push_back(std::move(one));
    }
    if (!problems.empty())
        return problems + "; " + std::string(listForm);
    *into = std::move(all);
    return {};
}

std::string listenText(const ListenAddresses &all, const char *separator)
{
    std::string text;
    for (const ListenAddress &one : all)
        text += (text.empty() ? "" : separator) + one.text();
    return text;
}

ListenAddresses onFreePorts(const ListenAddresses &all)
{
    ListenAddresses free;
    for (const ListenAddress &one : all) {
        if (std::none_of(free.begin(), free.end(), [&](const ListenAddress &other) { return other.host == one.host; }))
            free.push_back({one.host, 0, one.addresses});
    }
    return free;
}

bool isWildcard(const IpAddress &address)
{
    static const IpAddress v4 = *IpAddress::parse("0.0.0.0");
    return address == v4 || address == IpAddress();
}

ListenAddresses asAddresses(const ListenAddresses &all)
{
    ListenAddresses each;
    for (const ListenAddress &one : all) {
        if (one.addresses.empty())
            each.push_back(one);
        for (const IpAddress &address : one.addresses)
            each.push_back(ListenAddress::at(address, one.port));
    }
    return each;
}

ListenAddresses forOtherMachines(const ListenAddresses &all)
{
    ListenAddresses others = asAddresses(all);
    std::erase_if(others, [](const ListenAddress &one) { return !one.addresses.empty() && one.addresses.front().isLoopback(); });
    return others;
}

std::string localUrl(const ListenAddresses &all, bool tls)
{
    std::string best;
    int bestRank = 6;
    const auto offer = [&](int rank, const std::string &host, uint16_t port) {
        if (rank < bestRank) {
            bestRank = rank;
            best = (tls ? "https://" : "http://") + urlHost(host) + ":" + std::to_string(port);
        }
    };
    for (const ListenAddress &one : all) {
        if (one.isName() && (one.addresses.empty() || (tls && !isLocalhostName(one.host))))
            offer(tls ? 0 : 5, one.host, one.port);
        for (const IpAddress &address : one.addresses)
            offer(preferenceOf(address), isWildcard(address) ? "127.0.0.1" : address.toString(), one.port);
    }
    return best;
}

} // namespace llmproxy
