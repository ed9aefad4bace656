// SPDX-License-Identifier: GPL-3.0-only
#include "front/http_types.h"

#include "secrets/secret.h"

#include <algorithm>

namespace llmproxy {

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

bool listContains(std::string_view value, std::string_view token)
{
    return anyListItem(value, [token](std::string_view item) { return equalsIgnoreCase(item, token); });
}

std::string mediaType(std::string_view contentType)
{
    return lowerCased(trimmed(contentType.substr(0, contentType.find(';'))));
}

const std::string *Headers::find(std::string_view name) const
{
    for (const Header &header : *this) {
        if (equalsIgnoreCase(header.name, name))
            return &header.value;
    }
    return nullptr;
}

std::string_view Headers::value(std::string_view name) const
{
    const std::string *found = find(name);
    return found ? std::string_view(*found) : std::string_view();
}

void Headers::wipe(std::string_view name)
{
    for (Header &header : *this) {
        if (equalsIgnoreCase(header.name, name))
            llmproxy::wipe(header.value.data(), header.value.size());
    }
}

std::string Headers::joined(std::string_view name) const
{
    std::string list;
    for (const Header &header : *this) {
        if (equalsIgnoreCase(header.name, name))
            list.append(list.empty() ? "" : ",").append(header.value);
    }
    return list;
}

std::string_view reasonPhrase(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 529: return "Overloaded";
    default: return "Unknown";
    }
}

} // namespace llmproxy
