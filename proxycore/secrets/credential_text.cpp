// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/credential_text.h"

#include "base/ascii.h"
#include "base/masking.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr size_t longestVariable = 64;

bool isQuotationMark(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blanks = " \t\r\n\v\f";
    const size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// NAME=value, as it stands in .env files. The padding of base64 is no value, and a key may contain '=' behind something that no
// variable is called.
bool isAssignment(std::string_view text)
{
    const size_t equals = text.find('=');
    if (equals == text.npos || equals == 0 || equals > longestVariable || text.find_first_not_of('=', equals) == text.npos)
        return false;
    const std::string_view name = text.substr(0, equals);
    const auto fits = [](char c) { return isAsciiAlnum(c) || c == '_'; };
    const auto isUpper = [](char c) { return c >= 'A' && c <= 'Z'; };
    return std::all_of(name.begin(), name.end(), fits)
           && (name.find('_') != name.npos || namesCredential(name) || std::all_of(name.begin(), name.end(), isUpper));
}

bool hasPrefix(std::string_view text, std::string_view lowerPrefix)
{
    return text.size() > lowerPrefix.size() && equalsIgnoreCase(text.substr(0, lowerPrefix.size()), lowerPrefix);
}

std::string_view problemOf(std::string_view value)
{
    if (value.empty())
        return "is empty";
    if (isAssignment(value) || hasPrefix(value, "export "))
        return "must be the value alone, without NAME= in front of it";
    if (hasPrefix(value, "bearer "))
        return "must be the credential alone, without \"Bearer\" in front of it";
    if (isQuotationMark(value.front()) || isQuotationMark(value.back()))
        return "has a quotation mark at one end only";
    if (value.find_first_of("\r\n") != value.npos)
        return "must be one line";
    if (!std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
        return "must be printable ASCII without spaces";
    return {};
}

} // namespace

std::string_view unwrapped(std::string_view text)
{
    constexpr std::string_view byteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(byteOrderMark))
        text.remove_prefix(byteOrderMark.size());
    text = trimmed(text);
    while (text.size() >= 2 && isQuotationMark(text.front()) && text.front() == text.back())
        text = trimmed(text.substr(1, text.size() - 2));
    return text;
}

CredentialText readCredential(std::string_view text)
{
    const std::string_view value = unwrapped(text);
    const std::string_view problem = problemOf(value);
    return {problem.empty() ? value : std::string_view(), problem};
}

} // namespace llmproxy
