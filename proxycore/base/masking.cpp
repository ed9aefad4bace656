// SPDX-License-Identifier: GPL-3.0-only
#include "base/masking.h"

#include "base/json_text.h"

#include <array>
#include <atomic>
#include <charconv>
#include <optional>
#include <vector>

namespace llmproxy {

namespace {

std::atomic<MaskUnprefixed> s_unprefixed{MaskUnprefixed::Partial};

constexpr std::string_view bearer = "Bearer ";
constexpr std::array<std::string_view, 4> tokenPrefixes{"tok-", "sk-", "api_", "ghp_"};
constexpr size_t shortest = 12; // fewer characters than this are hidden whole
constexpr size_t prefixedEnds = 4;
constexpr size_t bareEnds = 2;

size_t suffixStart(std::string_view text, size_t characters, size_t count)
{
    return prefixBytes(text, characters - count);
}

size_t countCharacters(std::string_view text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size(); ++count) {
        const size_t length = utf8Length(text, at);
        at += length > 0 ? length : 1;
    }
    return count;
}

std::string maskMiddle(std::string_view text, size_t ends, std::string_view stars, std::string_view whenShort)
{
    const size_t characters = countCharacters(text);
    if (characters < shortest)
        return std::string(whenShort);
    std::string masked(text.substr(0, prefixBytes(text, ends)));
    masked += stars;
    masked += text.substr(suffixStart(text, characters, ends));
    return masked;
}

// Four decimal numbers 0–255 without leading zeros, as inet_pton reads them.
std::optional<std::array<unsigned, 4>> readIpv4(std::string_view text)
{
    std::array<unsigned, 4> numbers{};
    for (size_t i = 0; i < numbers.size(); ++i) {
        const size_t end = i == 3 ? text.size() : text.find('.');
        if (end == text.npos || end == 0 || end > 3 || (end > 1 && text[0] == '0'))
            return {};
        const auto [stop, failure] = std::from_chars(text.data(), text.data() + end, numbers[i]);
        if (failure != std::errc() || stop != text.data() + end || numbers[i] > 255)
            return {};
        text.remove_prefix(i == 3 ? end : end + 1);
    }
    return numbers;
}

std::string ipv4Network(const std::array<unsigned, 4> &n)
{
    return std::to_string(n[0]) + '.' + std::to_string(n[1]) + '.' + std::to_string(n[2]) + ".0";
}

// The groups between colons of one side of "::"; a dotted tail counts as two.
bool readGroups(std::string_view text, std::vector<unsigned> *groups, std::optional<std::array<unsigned, 4>> *dotted)
{
    while (!text.empty()) {
        const size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == text.npos && group.find('.') != group.npos) {
            *dotted = readIpv4(group);
            if (!*dotted)
                return false;
            groups->push_back((**dotted)[0] << 8 | (**dotted)[1]);
            groups->push_back((**dotted)[2] << 8 | (**dotted)[3]);
            return true;
        }
        unsigned value = 0;
        const auto [stop, failure] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
        if (group.empty() || group.size() > 4 || failure != std::errc() || stop != group.data() + group.size())
            return false;
        groups->push_back(value);
        if (colon == text.npos)
            return true;
        text.remove_prefix(colon + 1);
        if (text.empty())
            return false; // a single colon at the end
    }
    return true;
}

std::optional<std::string> ipv6Network(std::string_view text)
{
    const size_t gap = text.find("::");
    std::vector<unsigned> head, tail;
    std::optional<std::array<unsigned, 4>> dotted;
    if (!readGroups(text.substr(0, gap), &head, &dotted) || (dotted && gap != text.npos))
        return {};
    if (gap != text.npos && !readGroups(text.substr(gap + 2), &tail, &dotted))
        return {};
    const size_t given = head.size() + tail.size();
    if (gap == text.npos ? given != 8 : given > 7)
        return {};
    head.resize(8 - tail.size(), 0);
    head.insert(head.end(), tail.begin(), tail.end());
    const bool mapped = head[0] == 0 && head[1] == 0 && head[2] == 0 && head[3] == 0 && head[4] == 0 && head[5] == 0xffff;
    if (mapped) // an IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5.2)
        return "::ffff:" + ipv4Network({head[6] >> 8, head[6] & 0xff, head[7] >> 8, 0});
    size_t kept = 3; // 48 bits stay
    while (kept > 0 && head[kept - 1] == 0)
        --kept;
    std::string network;
    for (size_t i = 0; i < kept; ++i) {
        char digits[8];
        const auto written = std::to_chars(digits, digits + sizeof digits, head[i], 16);
        network.append(digits, written.ptr);
        if (i + 1 < kept)
            network += ':';
    }
    return network + "::";
}

} // namespace

size_t prefixBytes(std::string_view text, size_t count)
{
    size_t at = 0;
    for (; count > 0 && at < text.size(); --count) {
        const size_t length = utf8Length(text, at);
        at += length > 0 ? length : 1;
    }
    return at;
}

std::string maskSecret(std::string_view value, MaskUnprefixed mode)
{
    std::string masked;
    bool prefixed = false;
    while (value.starts_with(bearer)) {
        masked += bearer;
        value.remove_prefix(bearer.size());
        prefixed = true;
    }
    for (const std::string_view prefix : tokenPrefixes) {
        if (value.starts_with(prefix)) {
            masked += prefix;
            value.remove_prefix(prefix.size());
            prefixed = true;
            break;
        }
    }
    if (prefixed)
        return masked + maskMiddle(value, prefixedEnds, "****", "****");
    if (value.empty())
        return {};
    const std::string partial = maskMiddle(value, bareEnds, "********", "********");
    return mode == MaskUnprefixed::Full && partial != value ? "********" : partial; // a masked value stays
}

std::string maskSecret(std::string_view value)
{
    return maskSecret(value, s_unprefixed.load(std::memory_order_relaxed));
}

void setUnprefixedMasking(MaskUnprefixed mode)
{
    s_unprefixed.store(mode, std::memory_order_relaxed);
}

std::string maskClientIp(std::string_view ip)
{
    if (const auto v4 = readIpv4(ip))
        return ipv4Network(*v4);
    if (ip.find(':') != ip.npos) {
        const std::string_view withoutZone = ip.substr(0, ip.find('%'));
        if (auto network = ipv6Network(withoutZone))
            return *network;
    }
    return std::string(ip);
}

bool looksMasked(std::string_view value)
{
    return value.find("****") != value.npos;
}

} // namespace llmproxy
