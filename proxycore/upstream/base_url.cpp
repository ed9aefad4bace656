// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/base_url.h"

#include "access/cidr.h"
#include "base/ascii.h"
#include "base/percent.h"

#include <QUrl>

#include <algorithm>
#include <charconv>
#include <vector>

namespace llmproxy {

namespace {

// One spelling for a host, the one that libcurl makes of it: lower case, IDNA, addresses as dotted numbers. What is judged, resolved and
// dialled is the same then.
bool normalizeUrlHost(std::string *host)
{
    const bool isAscii = std::all_of(host->begin(), host->end(), [](char c) { return c > 0x20 && c < 0x7f; });
    *host = isAscii ? lowerCased(*host) : QUrl::toAce(QString::fromStdString(*host)).toStdString();
    if (const auto address = IpAddress::parseHost(*host)) {
        const size_t mark = host->find('%');
        if (mark == std::string::npos) {
            *host = address->toString();
            return true;
        }
        const std::string_view zone = std::string_view(*host).substr(mark + 1); // needed as it is; "%25" is its mark in a URL
        return !address->isV4() && !zone.empty() && std::all_of(zone.begin(), zone.end(), [](char c) { return isAsciiAlnum(c) || c == '-' || c == '_' || c == '.'; });
    }
    const bool hasEmptyLabel = host->empty() || host->front() == '.' || host->find("..") != std::string::npos; // a dot at the end is the root's
    return !hasEmptyLabel && std::all_of(host->begin(), host->end(), [](char c) { return isAsciiAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

const char *readScheme(std::string_view *url, BaseUrl *out)
{
    const size_t end = url->find("://");
    const std::string scheme = end == std::string_view::npos ? std::string() : lowerCased(url->substr(0, end));
    if (scheme != "https" && scheme != "http")
        return "must be an address that starts with https:// or http://, like https://api.example.com/v1";
    out->tls = scheme == "https";
    out->port = out->tls ? 443 : 80;
    url->remove_prefix(end + 3);
    return nullptr;
}

const char *readPort(std::string_view digits, BaseUrl *out)
{
    unsigned port = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || port == 0 || port > 65535)
        return "must have a port from 1 to 65535";
    out->port = static_cast<uint16_t>(port);
    return nullptr;
}

const char *readAuthority(std::string_view authority, BaseUrl *out)
{
    if (authority.find('@') != std::string_view::npos)
        return "must not contain a user name or password; give the key in api_key";
    size_t colon = authority.rfind(':');
    const bool isBracketed = !authority.empty() && authority.front() == '[';
    if (isBracketed) {
        const size_t end = authority.find(']');
        if (end == std::string_view::npos || (end + 1 < authority.size() && authority[end + 1] != ':'))
            return "must have its IPv6 address between [ and ]";
        out->host = authority.substr(1, end - 1);
        colon = end + 1 < authority.size() ? end + 1 : std::string_view::npos;
    } else {
        out->host = authority.substr(0, colon);
    }
    if (!isBracketed && out->host.find(':') != std::string::npos)
        return "must have its IPv6 address between [ and ]";
    if (out->host.empty())
        return "must name a host, like https://api.example.com/v1";
    if (!normalizeUrlHost(&out->host))
        return "must have a host that is a name or an address";
    if (isBracketed && !IpAddress::parseHost(out->host))
        return "must have its IPv6 address between [ and ]";
    return colon == std::string_view::npos ? nullptr : readPort(authority.substr(colon + 1), out);
}

// A request line has ASCII only.
std::string coded(std::string_view text)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80)
            out += c;
        else
            out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

bool hasHalfCode(std::string_view text)
{
    for (size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; ++at) {
        if (at + 2 >= text.size() || !isAsciiHexDigit(text[at + 1]) || !isAsciiHexDigit(text[at + 2]))
            return true;
    }
    return false;
}

bool hasDots(std::string_view path)
{
    while (!path.empty()) {
        const size_t end = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, std::min(path.find_first_of("/;"), path.size()));
        if (segment == "." || segment == "..")
            return true;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return false;
}

const char *readPath(std::string_view path, BaseUrl *out)
{
    while (!path.empty() && path.back() == '/')
        path.remove_suffix(1);
    out->path = coded(path);
    const std::string once = percentDecoded(path), twice = percentDecoded(once);
    for (const std::string_view reading : {path, std::string_view(once), std::string_view(twice)}) {
        if (hasDots(reading) || reading.find('\\') != std::string_view::npos)
            return "must not contain '.' or '..' segments or backslashes";
        if (std::any_of(reading.begin(), reading.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
            return "must not contain control characters";
    }
    return hasHalfCode(path) ? "must have two hexadecimal digits behind each %" : nullptr;
}

template<typename Visit>
void eachParameter(std::string_view query, Visit visit)
{
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (!pair.empty())
            visit(lowerCased(formDecoded(pair.substr(0, pair.find('=')))), pair);
    }
}

// A base URL is shown to whoever may see the project.
bool namesCredential(std::string_view name)
{
    return std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })
           || name.find("key") != name.npos || name.find("token") != name.npos || name.find("secret") != name.npos || name.find("password") != name.npos
           || name == "sig" || name == "code" || name == "auth" || name == "authorization";
}

const char *readQuery(std::string_view query, BaseUrl *out)
{
    std::vector<std::string> seen;
    const char *problem = hasHalfCode(query) ? "must have two hexadecimal digits behind each %" : nullptr;
    eachParameter(query, [&](const std::string &name, std::string_view pair) {
        if (namesCredential(name))
            problem = "must not contain a key in its query; give the key in api_key";
        else if (std::find(seen.begin(), seen.end(), name) != seen.end())
            problem = "must not have a parameter twice in its query";
        seen.push_back(name);
        out->query.append(out->query.empty() ? "" : "&").append(coded(pair));
    });
    return problem;
}

const char *readUrl(std::string_view url, BaseUrl *out)
{
    if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }))
        return "must not contain spaces or control characters";
    if (const char *problem = readScheme(&url, out))
        return problem;
    if (url.find('#') != std::string_view::npos)
        return "must not contain a fragment (#)";
    const size_t mark = url.find('?');
    const std::string_view place = url.substr(0, mark);
    if (const char *problem = readAuthority(place.substr(0, place.find('/')), out))
        return problem;
    if (const char *problem = readPath(place.substr(std::min(place.find('/'), place.size())), out))
        return problem;
    return mark == std::string_view::npos ? nullptr : readQuery(url.substr(mark + 1), out);
}

std::string_view firstSegment(std::string_view path)
{
    path.remove_prefix(path.empty() ? 0 : 1);
    return path.substr(0, path.find('/'));
}

std::string joinByBasePath(std::string_view base, std::string_view rest)
{
    const size_t slash = base.rfind('/');
    const std::string_view last = slash == std::string_view::npos ? std::string_view() : base.substr(slash + 1);
    if (isVersionSegment(last) || last == "openai") {
        const std::string_view first = firstSegment(rest);
        if (first == "v1" || first == last)
            rest.remove_prefix(first.size() + 1);
        else if (first == "upload" && firstSegment(rest.substr(7)) == last) // Gemini's uploads: /upload stands before the version
            base.remove_suffix(last.size() + 1);
    }
    return std::string(base).append(rest);
}

} // namespace

std::string BaseUrl::authority() const
{
    const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string BaseUrl::origin() const
{
    const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return (tls ? "https://" : "http://") + name + ":" + std::to_string(port);
}

std::string BaseUrl::text() const
{
    return (tls ? "https://" : "http://") + authority() + path + (query.empty() ? "" : "?" + query);
}

Result<BaseUrl> parseBaseUrl(std::string_view url)
{
    BaseUrl out;
    if (const char *problem = readUrl(url, &out))
        return Error{ErrorKind::Invalid, "invalid_field", problem, "base_url"};
    return out;
}

bool isVersionSegment(std::string_view segment)
{
    return segment.size() >= 2 && segment[0] == 'v' && isAsciiDigit(segment[1]);
}

std::string joinPath(const BaseUrl &base, std::string_view rest)
{
    const std::string_view first = firstSegment(rest);
    switch (base.form) {
    case PathForm::WithVersion:
        break;
    case PathForm::WithoutVersion:
        if (first == "v1")
            rest.remove_prefix(first.size() + 1);
        break;
    case PathForm::Azure:
        if (first == "v1" || first == "deployments")
            return base.path + "/openai" + std::string(rest);
        break;
    case PathForm::ByBasePath:
        return joinByBasePath(base.path, rest);
    }
    return base.path + std::string(rest);
}

std::string joinQuery(std::string_view query, std::string_view ofBaseUrl)
{
    std::string joined(query);
    eachParameter(ofBaseUrl, [&](const std::string &name, std::string_view pair) {
        bool isThere = false;
        eachParameter(query, [&](const std::string &given, std::string_view) { isThere = isThere || given == name; });
        if (!isThere)
            joined.append(joined.empty() ? "" : "&").append(pair);
    });
    return joined;
}

} // namespace llmproxy
