// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/multipart.h"

#include "base/ascii.h"
#include "exchange/header_parameters.h"
#include "front/head_rules.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t mostBoundary = 70; // RFC 2046 section 5.1.1

// RFC 2046 section 5.1.1: bcharsnospace, and blanks but at the end.
bool isBoundary(std::string_view text)
{
    return !text.empty() && text.size() <= mostBoundary && text.back() != ' ' && std::all_of(text.begin(), text.end(), [](char c) {
        return isAsciiAlnum(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
    });
}

bool isFieldName(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); });
}

bool hasControl(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

// What a part says of itself, each at most once.
struct PartHead
{
    std::string_view dispositionValue, typeValue;
    bool seenDisposition = false, seenType = false, seenEncoding = false;
};

bool readPartLines(std::string_view head, PartHead *found)
{
    while (!head.empty()) {
        const size_t end = std::min(head.find("\r\n"), head.size());
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || !isFieldName(line.substr(0, colon)) || hasControl(line))
            return false; // folded lines too
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        bool again = false;
        if (equalsIgnoreCase(name, "content-disposition")) {
            again = std::exchange(found->seenDisposition, true);
            found->dispositionValue = value;
        } else if (equalsIgnoreCase(name, "content-type")) {
            again = std::exchange(found->seenType, true);
            found->typeValue = value;
        } else if (equalsIgnoreCase(name, "content-transfer-encoding")) {
            again = std::exchange(found->seenEncoding, true);
        }
        if (again)
            return false;
    }
    return true;
}

// False: some readers unpack what has this type, others do not. plain: it is text as it stands.
bool readPartType(std::string_view value, bool *plain)
{
    const std::string type = mediaType(value);
    if (type.starts_with("multipart/") || type.starts_with("message/"))
        return false; // RFC 7578 section 4.3: several files in one part are history
    std::vector<HeaderParameter> parameters;
    *plain = type == "text/plain" && readParameters(value.substr(std::min(value.find(';'), value.size())), &parameters) && isOfUtf8(parameters);
    return true;
}

// RFC 7578 section 4.6: "_charset_" is another charset for all. Some readers decode RFC 2047's encoded words, or overlong UTF-8.
bool isClearName(std::string_view name)
{
    return name != "_charset_" && name.find("=?") == std::string_view::npos && simdjson::validate_utf8(name.data(), name.size());
}

// memmem(3) takes linear time; std::string_view's own compares anew at each place, which a boundary of dashes in a body of dashes makes
// 70 times as long.
size_t findFrom(std::string_view text, std::string_view what, size_t from)
{
    const void *const found = memmem(text.data() + from, text.size() - from, what.data(), what.size());
    return found ? static_cast<size_t>(static_cast<const char *>(found) - text.data()) : std::string_view::npos;
}

bool readPartHead(std::string_view head, FormPart *part)
{
    PartHead found;
    std::vector<HeaderParameter> parameters;
    if (!readPartLines(head, &found) || !found.seenDisposition)
        return false;
    const std::string_view value = found.dispositionValue;
    const size_t semicolon = std::min(value.find(';'), value.size());
    if (!equalsIgnoreCase(trimmed(value.substr(0, semicolon)), "form-data") || !readParameters(value.substr(semicolon), &parameters))
        return false;
    const HeaderParameter *const name = onlyParameter(parameters, "name");
    if (!name || name->isEscaped || !isClearName(name->value))
        return false;
    part->name = name->value;
    const bool isFile = std::any_of(parameters.begin(), parameters.end(), [](const HeaderParameter &one) { return one.name.starts_with("filename"); });
    bool plain = true;
    if (found.seenType && !readPartType(found.typeValue, &plain))
        return false;
    part->plain = plain && !found.seenEncoding && !isFile;
    return true;
}

} // namespace

std::optional<std::vector<FormPart>> readForm(std::string_view body, std::string_view contentType)
{
    std::vector<HeaderParameter> parameters;
    const size_t semicolon = std::min(contentType.find(';'), contentType.size());
    if (!readParameters(contentType.substr(semicolon), &parameters))
        return {};
    const HeaderParameter *const boundary = onlyParameter(parameters, "boundary");
    if (!boundary || boundary->isEscaped || !isBoundary(boundary->value))
        return {};
    const std::string delimiter = "--" + boundary->value;
    std::vector<FormPart> parts;
    if (body.substr(0, delimiter.size()) != delimiter)
        return {}; // a preamble
    for (size_t at = delimiter.size();;) {
        const std::string_view rest = body.substr(at);
        if (rest.substr(0, 2) == "--") // the last one; nothing but an empty line may follow
            return trimmed(rest.substr(2)).empty() || rest.substr(2) == "\r\n" ? std::optional(std::move(parts)) : std::nullopt;
        if (rest.substr(0, 2) != "\r\n")
            return {};
        const size_t next = findFrom(body, delimiter, at);
        const size_t headEnd = body.find("\r\n\r\n", at);
        if (next == std::string_view::npos || headEnd == std::string_view::npos || headEnd < at + 2 || headEnd - at > mostPartHead
            || body.substr(next - 2, 2) != "\r\n" || next < headEnd + 6 || parts.size() == mostParts)
            return {};
        FormPart part;
        if (!readPartHead(body.substr(at + 2, headEnd - at - 2), &part))
            return {};
        part.content = body.substr(headEnd + 4, next - headEnd - 6);
        parts.push_back(std::move(part));
        at = next + delimiter.size();
    }
}

} // namespace llmproxy
