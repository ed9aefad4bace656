// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/multipart.h"

#include "front/head_rules.h"

#include <algorithm>

namespace llmproxy {

namespace {

struct Parameter
{
    std::string name; // lower case
    std::string value;
};

bool isToken(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); });
}

// "; name=value; name="quoted"" (RFC 9110 section 5.6.6). False: malformed.
bool readParameters(std::string_view text, std::vector<Parameter> *found)
{
    while (true) {
        text = trimmed(text);
        if (text.empty())
            return true;
        if (text.front() != ';')
            return false;
        text = trimmed(text.substr(1));
        if (text.empty())
            return true;
        const size_t equals = text.find('=');
        if (equals == std::string_view::npos || !isToken(text.substr(0, equals)))
            return false;
        Parameter parameter{lowerCased(text.substr(0, equals)), {}};
        text.remove_prefix(equals + 1);
        if (!text.empty() && text.front() == '"') {
            size_t at = 1;
            for (; at < text.size() && text[at] != '"'; ++at) {
                if (text[at] == '\\' && ++at == text.size())
                    return false;
                parameter.value += text[at];
            }
            if (at >= text.size())
                return false;
            text.remove_prefix(at + 1);
        } else {
            const size_t end = std::min(text.find(';'), text.size());
            parameter.value = trimmed(text.substr(0, end));
            if (!isToken(parameter.value))
                return false;
            text.remove_prefix(end);
        }
        found->push_back(std::move(parameter));
    }
}

// The one parameter of that name; "name*" beside it would let another reader choose that.
const std::string *onlyParameter(const std::vector<Parameter> &parameters, std::string_view name)
{
    const std::string *value = nullptr;
    for (const Parameter &parameter : parameters) {
        if (parameter.name == std::string(name) + "*" || (parameter.name == name && value))
            return nullptr;
        if (parameter.name == name)
            value = &parameter.value;
    }
    return value;
}

bool readPartHead(std::string_view head, FormPart *part)
{
    bool named = false;
    while (!head.empty()) {
        const size_t end = std::min(head.find("\r\n"), head.size());
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || !isToken(line.substr(0, colon)) || line.find_first_of("\r\n") != std::string_view::npos)
            return false; // folded lines too
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (equalsIgnoreCase(line.substr(0, colon), "content-transfer-encoding"))
            part->plain = false;
        if (!equalsIgnoreCase(line.substr(0, colon), "content-disposition"))
            continue;
        std::vector<Parameter> parameters;
        const size_t semicolon = std::min(value.find(';'), value.size());
        if (named || !equalsIgnoreCase(trimmed(value.substr(0, semicolon)), "form-data") || !readParameters(value.substr(semicolon), &parameters))
            return false;
        const std::string *name = onlyParameter(parameters, "name");
        if (!name)
            return false;
        part->name = *name;
        named = true;
    }
    return named;
}

} // namespace

std::optional<std::vector<FormPart>> readForm(std::string_view body, std::string_view contentType)
{
    std::vector<Parameter> parameters;
    const size_t semicolon = std::min(contentType.find(';'), contentType.size());
    if (!readParameters(contentType.substr(semicolon), &parameters))
        return {};
    const std::string *boundary = onlyParameter(parameters, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > 200)
        return {};
    const std::string delimiter = "--" + *boundary;
    std::vector<FormPart> parts;
    if (body.substr(0, delimiter.size()) != delimiter)
        return {}; // a preamble
    for (size_t at = delimiter.size();;) {
        const std::string_view rest = body.substr(at);
        if (rest.substr(0, 2) == "--") // the last one; nothing but an empty line may follow
            return trimmed(rest.substr(2)).empty() || rest.substr(2) == "\r\n" ? std::optional(std::move(parts)) : std::nullopt;
        if (rest.substr(0, 2) != "\r\n")
            return {};
        const size_t next = body.find(delimiter, at);
        const size_t headEnd = body.find("\r\n\r\n", at);
        if (next == std::string_view::npos || headEnd == std::string_view::npos || headEnd + 4 > next
            || body.substr(next - 2, 2) != "\r\n" || next < headEnd + 6)
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
