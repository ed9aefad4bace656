// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/header_parameters.h"

#include "front/head_rules.h"

#include <algorithm>

namespace llmproxy {

namespace {

// Of a header that we decide by; nobody sends more, and each is compared with all others.
constexpr size_t mostParameters = 16;

bool isTokenText(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); });
}

// A token, or a media type: senders forget its quotes, and where it ends is clear all the same.
bool isPlainValue(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c == '/' || isTokenChar(static_cast<unsigned char>(c)); });
}

// Takes a quoted string off the front of text.
bool readQuoted(std::string_view *text, HeaderParameter *parameter)
{
    size_t at = 1;
    for (; at < text->size() && (*text)[at] != '"'; ++at) {
        if ((*text)[at] == '\\') {
            parameter->isEscaped = true;
            if (++at == text->size() || (*text)[at] == '"')
                return false; // RFC 9110's reader goes on behind \", a browser's ends there
        }
        parameter->value += (*text)[at];
    }
    if (at >= text->size())
        return false;
    text->remove_prefix(at + 1);
    return true;
}

} // namespace

bool readParameters(std::string_view text, std::vector<HeaderParameter> *found)
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
        if (equals == std::string_view::npos || !isTokenText(text.substr(0, equals)))
            return false;
        HeaderParameter parameter{lowerCased(text.substr(0, equals)), {}};
        text.remove_prefix(equals + 1);
        if (!text.empty() && text.front() == '"') {
            if (!readQuoted(&text, &parameter))
                return false;
        } else {
            const size_t end = std::min(text.find(';'), text.size());
            parameter.value = trimmed(text.substr(0, end));
            if (!isPlainValue(parameter.value))
                return false;
            text.remove_prefix(end);
        }
        if (found->size() >= mostParameters)
            return false;
        found->push_back(std::move(parameter));
    }
}

const HeaderParameter *onlyParameter(const std::vector<HeaderParameter> &parameters, std::string_view name)
{
    const HeaderParameter *value = nullptr;
    for (const HeaderParameter &parameter : parameters) {
        const bool isExtended = parameter.name.size() > name.size() && parameter.name[name.size()] == '*' && parameter.name.starts_with(name);
        if (isExtended || (parameter.name == name && value))
            return nullptr;
        if (parameter.name == name)
            value = &parameter;
    }
    return value;
}

bool isOfUtf8(const std::vector<HeaderParameter> &parameters)
{
    const bool named = std::any_of(parameters.begin(), parameters.end(), [](const HeaderParameter &one) { return one.name == "charset" || one.name.starts_with("charset*"); });
    const HeaderParameter *const charset = onlyParameter(parameters, "charset");
    return !named || (charset && !charset->isEscaped && (equalsIgnoreCase(charset->value, "utf-8") || equalsIgnoreCase(charset->value, "utf8")));
}

} // namespace llmproxy
