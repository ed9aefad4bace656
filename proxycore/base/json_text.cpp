// SPDX-License-Identifier: GPL-3.0-only
#include "base/json_text.h"

#include <cstdint>
#include <cstring>

namespace llmproxy {

namespace {

constexpr char hexDigits[] = "0123456789abcdef";

unsigned byteAt(std::string_view text, size_t at)
{
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
}

bool continues(std::string_view text, size_t at, unsigned low = 0x80, unsigned high = 0xbf)
{
    const unsigned byte = byteAt(text, at);
    return byte >= low && byte <= high;
}

void appendEscaped(std::string &out, char c)
{
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hexDigits[byte >> 4];
    out += hexDigits[byte & 0xf];
}

} // namespace

size_t utf8Length(std::string_view text, size_t at)
{
    const unsigned lead = byteAt(text, at);
    if (lead < 0x80)
        return at < text.size() ? 1 : 0;
    if (lead >= 0xc2 && lead <= 0xdf)
        return continues(text, at + 1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const bool second = continues(text, at + 1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
        return second && continues(text, at + 2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const bool second = continues(text, at + 1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
        return second && continues(text, at + 2) && continues(text, at + 3) ? 4 : 0;
    }
    return 0;
}

// Eight bytes that stand for themselves (Mycroft's "has a byte less than n", and "has a zero byte" for the two that are escaped).
static bool isPlainWord(const char *bytes)
{
    constexpr uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    const uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) == 0;
}

// How many bytes at the beginning stand for themselves, at least: eight at a time, which is a third of the audit thread's
// formatting. The last eight overlap what was looked at before.
static size_t plainLength(std::string_view text)
{
    constexpr size_t step = sizeof(uint64_t);
    if (text.size() < step)
        return 0;
    size_t at = 0;
    for (; at + step <= text.size(); at += step) {
        if (!isPlainWord(text.data() + at))
            return at;
    }
    return isPlainWord(text.data() + text.size() - step) ? text.size() : at;
}

void appendJsonString(std::string &out, std::string_view text)
{
    out += '"';
    size_t plainFrom = 0;
    for (size_t at = plainLength(text); at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
            ++at;
            continue;
        }
        const size_t length = byte >= 0x80 ? utf8Length(text, at) : 0;
        if (length > 0) {
            at += length;
            continue;
        }
        out.append(text.substr(plainFrom, at - plainFrom));
        if (byte >= 0x80)
            out += "\xef\xbf\xbd";
        else
            appendEscaped(out, text[at]);
        plainFrom = ++at;
    }
    out.append(text.substr(plainFrom));
    out += '"';
}

} // namespace llmproxy
