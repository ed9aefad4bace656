// SPDX-License-Identifier: GPL-3.0-only
#include "front/head_rules.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace llmproxy {

namespace {

constexpr size_t usualFields = 16; // of the SDKs; more grow

HeadFault bad(std::string message)
{
    return {400, Reason::BadRequest, std::move(message)};
}

bool plainDigits(std::string_view text, int64_t *value)
{
    // 18 digits stay below 2^63.
    if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), isAsciiDigit))
        return false;
    std::from_chars(text.data(), text.data() + text.size(), *value);
    return true;
}

// The first byte from at on that is a control character (RFC 5234: CTL) but TAB; the size when there is none. Each head is looked
// through with it, so it goes eight bytes at a time: Mycroft's "has a byte less than n" and "has a zero byte" tell the eight that
// are plain, as nearly all are. Byte by byte it took a tenth of a request's instructions, find_first_of() an eighth.
size_t nextControl(std::string_view text, size_t at)
{
    constexpr uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    const auto isControl = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
    while (at < text.size()) {
        uint64_t word = 0;
        if (at + sizeof word <= text.size()) {
            std::memcpy(&word, text.data() + at, sizeof word);
            const uint64_t rubout = word ^ (ones * 0x7f);
            if ((((word - ones * 0x20) | (rubout - ones)) & ~(word & rubout) & tops) == 0) {
                at += sizeof word;
                continue;
            }
        }
        const size_t end = std::min(at + sizeof word, text.size());
        for (; at < end; ++at) {
            if (isControl(text[at]))
                return at;
        }
    }
    return text.size();
}

// The first CR, LF or NUL.
size_t nextLineEnd(std::string_view text, size_t at)
{
    for (;; ++at) {
        at = nextControl(text, at);
        if (at >= text.size() || text[at] == '\r' || text[at] == '\n' || text[at] == '\0')
            return at;
    }
}

// One line up to CRLF; false for a bare CR, bare LF or NUL anywhere in it.
bool takeLine(std::string_view *rest, std::string_view *line)
{
    const size_t end = nextLineEnd(*rest, 0);
    if (end == rest->size() || (*rest)[end] != '\r' || end + 1 >= rest->size() || (*rest)[end + 1] != '\n')
        return false;
    *line = rest->substr(0, end);
    rest->remove_prefix(end + 2);
    return true;
}

const char *readField(std::string_view line, Headers *headers)
{
    if (line.front() == ' ' || line.front() == '\t')
        return "a header field is folded over lines, which RFC 9112 forbids";
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
        return "a header line has no name and colon";
    const std::string_view name = line.substr(0, colon);
    if (!std::all_of(name.begin(), name.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); }))
        return "a header name has a character that is not allowed (a space before the colon counts)";
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (nextControl(value, 0) < value.size())
        return "a header value has a control character";
    headers->add(std::string(name), std::string(value));
    return nullptr;
}

// CONNECT and TRACE have no place in a gateway to providers; a resource of our own refuses the other methods that are known, and says
// which it has (RFC 9110 section 15.5.6).
bool isImplemented(std::string_view method, std::string_view path)
{
    constexpr std::string_view ours = "/manage/";
    return isUsualMethod(method)
           || ((method == "TRACE" || method == "QUERY") && path.substr(0, ours.size()) == ours);
}

// RFC 9112 section 3.2.2: a whole URL is a target, too.
std::string_view pathOfTarget(std::string_view target)
{
    if (const size_t scheme = target.find("://"); !target.starts_with('/') && scheme != target.npos)
        target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
    return target.substr(0, target.find('?'));
}

HeadFault readRequestLine(std::string_view line, const HeadLimits &limits, RequestHead *head)
{
    const size_t first = line.find(' ');
    const size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last || first == 0)
        return bad("the request line is not METHOD TARGET HTTP/1.1");
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (const std::string_view path = pathOfTarget(target); path.starts_with('/'))
        head->path = path; // whatever is wrong is said in this path's dialect
    if (!std::all_of(method.begin(), method.end(), [](char c) { return isTokenChar(static_cast<unsigned char>(c)); }))
        return bad("the request method is not a token");
    const bool versionForm = version.size() == 8 && version.substr(0, 5) == "HTTP/" && version[6] == '.'
                             && isAsciiDigit(version[5]) && isAsciiDigit(version[7]);
    if (!versionForm)
        return bad("the request line does not end in HTTP/1.1");
    if (version[5] != '1' || (version[7] != '0' && version[7] != '1'))
        return {505, Reason::HttpVersionNotSupported, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    if (target.size() > limits.maxTargetSize)
        return {414, Reason::UriTooLong, "the request target is longer than MAX_TARGET_SIZE"};
    if (target.empty() || std::any_of(target.begin(), target.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f; }))
        return bad("the request target has a character that is not allowed");
    if (method == "CONNECT")
        return {501, Reason::NotImplemented, notAForwardProxy};
    if (!isImplemented(method, head->path))
        return {501, Reason::NotImplemented, "this method is not implemented"};
    head->method = method;
    head->target = target;
    head->minorVersion = version[7] - '0';
    return {};
}

// Whether a line of this name (lower case) has begun.
bool namesHeader(std::string_view bytes, std::string_view name)
{
    for (size_t at = bytes.find('\n'); at != bytes.npos; at = bytes.find('\n', at + 1)) {
        const std::string_view line = bytes.substr(at + 1, name.size() + 1);
        if (line.size() > name.size() && line.back() == ':' && equalsIgnoreCase(line.substr(0, name.size()), name))
            return true;
    }
    return false;
}

// host[:port] → lower-case host, and the port or -1; false when it is not a host.
bool normalizeHost(std::string_view value, std::string *host, int64_t *portNumber)
{
    if (value.empty())
        return false;
    std::string_view name = value;
    std::string_view port;
    if (value.front() == '[') {
        const size_t end = value.find(']');
        if (end == std::string_view::npos)
            return false;
        name = value.substr(1, end - 1);
        port = value.substr(end + 1);
        if (!IpAddress::parse(name))
            return false;
    } else {
        const size_t colon = value.find(':');
        name = value.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : value.substr(colon);
    }
    int64_t number = -1;
    if (!port.empty() && (port.front() != ':' || (port.size() > 1 && (!plainDigits(port.substr(1), &number) || number > 65535))))
        return false;
    if (name.empty())
        return false;
    *portNumber = number;
    for (const char c : name) {
        if (!isAsciiAlnum(c) && c != '.' && c != '-' && c != '_' && c != ':')
            return false;
    }
    host->assign(name);
    if (host->size() > 1 && host->back() == '.')
        host->pop_back();
    *host = lowerCased(*host);
    return true;
}

HeadFault readTarget(RequestHead *head)
{
    const std::string *hostField = nullptr;
    for (const Header &header : head->headers) {
        if (!equalsIgnoreCase(header.name, "host"))
            continue;
        if (hostField)
            return bad("there is more than one Host header");
        hostField = &header.value;
    }
    if (!hostField && head->minorVersion == 1)
        return bad("the Host header is missing");
    int64_t hostPort = -1;
    if (hostField && !normalizeHost(*hostField, &head->host, &hostPort))
        return bad("the Host header is not a host name or address");
    std::string_view target = head->target;
    if (target.front() != '/') {
        const bool http = equalsIgnoreCase(target.substr(0, 7), "http://"); // RFC 3986 section 3.1
        const bool https = equalsIgnoreCase(target.substr(0, 8), "https://");
        if (!http && !https) {
            if (target == "*" && head->method == "OPTIONS") {
                head->path = "*";
                return {};
            }
            return bad("the request target is neither a path nor a matching absolute URL");
        }
        head->isAbsolute = true;
        head->isForTls = https;
        target.remove_prefix(http ? 7 : 8);
        const size_t slash = target.find_first_of("/?");
        std::string authority;
        int64_t port = -1;
        const int64_t standard = http ? 80 : 443;
        const auto effective = [standard](int64_t given) { return given < 0 ? standard : given; };
        if (!normalizeHost(target.substr(0, slash), &authority, &port)
            || (hostField && (authority != head->host || effective(port) != effective(hostPort))))
            return bad("the absolute request target and the Host header differ");
        head->host = authority;
        std::string rest(slash == std::string_view::npos ? std::string_view("/") : target.substr(slash));
        if (rest.front() == '?')
            rest.insert(rest.begin(), '/');
        head->target = std::move(rest);
    }
    if (head->target.find('#') != std::string::npos)
        return bad("the request target has a fragment");
    const size_t mark = head->target.find('?');
    head->path = head->target.substr(0, mark);
    head->query = mark == std::string::npos ? std::string() : head->target.substr(mark + 1);
    return {};
}

HeadFault readFraming(RequestHead *head)
{
    bool sawTransferEncoding = false;
    for (const Header &header : head->headers) {
        if (equalsIgnoreCase(header.name, "content-length")) {
            int64_t length = 0;
            if (head->contentLength >= 0)
                return bad("there is more than one Content-Length header");
            if (!plainDigits(header.value, &length))
                return bad("Content-Length is not a plain number");
            head->contentLength = length;
        } else if (equalsIgnoreCase(header.name, "transfer-encoding")) {
            if (sawTransferEncoding)
                return bad("there is more than one Transfer-Encoding header");
            sawTransferEncoding = true;
            if (head->minorVersion == 0)
                return bad("Transfer-Encoding is not part of HTTP/1.0");
            if (!equalsIgnoreCase(header.value, "chunked")) { // RFC 9112 section 6.3: without it at the end nobody knows where the body ends
                const std::string_view value = header.value;
                const size_t comma = value.rfind(',');
                if (!equalsIgnoreCase(trimmed(comma == value.npos ? value : value.substr(comma + 1)), "chunked"))
                    return bad("the last transfer coding is not chunked");
                return {501, Reason::NotImplemented, "only the transfer coding \"chunked\" is implemented"};
            }
            head->chunked = true;
        }
    }
    if (head->chunked && head->contentLength >= 0)
        return bad("Content-Length and Transfer-Encoding are both given");
    const std::string connection = head->headers.joined("connection");
    head->keepAlive = !listContains(connection, "close") && (head->minorVersion == 1 || listContains(connection, "keep-alive"));
    const std::string expect = head->headers.joined("expect");
    if (anyListItem(expect, [](std::string_view item) { return !item.empty() && !equalsIgnoreCase(item, "100-continue"); }))
        return {417, Reason::ExpectationFailed, "only Expect: 100-continue is understood"};
    head->expectContinue = head->minorVersion == 1 && head->hasBody() && listContains(expect, "100-continue");
    return {};
}

} // namespace

bool areTrailers(std::string_view bytes, size_t maxCount)
{
    Headers fields;
    for (std::string_view line; takeLine(&bytes, &line);) {
        if (line.empty())
            return bytes.empty();
        if (fields.size() >= maxCount || readField(line, &fields))
            return false;
    }
    return false;
}

HeadScan scanHead(std::string_view text, size_t from, size_t *resume, size_t *end)
{
    size_t at = from;
    while (true) {
        const size_t hit = nextLineEnd(text, at);
        if (hit == text.size()) {
            *resume = text.size();
            return HeadScan::NeedMore;
        }
        if (text[hit] != '\r')
            return HeadScan::Bad;
        if (hit + 1 >= text.size()) {
            *resume = hit;
            return HeadScan::NeedMore;
        }
        if (text[hit + 1] != '\n')
            return HeadScan::Bad;
        if (hit >= 2 && text[hit - 1] == '\n' && text[hit - 2] == '\r') {
            *end = hit + 2;
            return HeadScan::Complete;
        }
        at = hit + 2;
    }
}

bool isTokenChar(unsigned char c)
{
    static constexpr auto table = [] {
        std::array<bool, 256> allowed{};
        for (const char one : std::string_view("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
            allowed[static_cast<unsigned char>(one)] = true;
        return allowed;
    }();
    return table[c];
}

bool isUsualMethod(std::string_view method)
{
    constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    return std::find(std::begin(methods), std::end(methods), method) != std::end(methods);
}

RequestHead glanceAtHead(std::string_view bytes)
{
    RequestHead head;
    const std::string_view line = bytes.substr(0, bytes.find('\r'));
    const size_t space = line.find(' ');
    head.method = line.substr(0, space);
    if (space != line.npos)
        head.path = pathOfTarget(line.substr(space + 1, line.find(' ', space + 1) - space - 1));
    for (const std::string_view name : {"anthropic-version", "x-goog-api-client"}) {
        if (namesHeader(bytes, name))
            head.headers.add(std::string(name), {});
    }
    return head;
}

HeadFault readRequestHead(std::string_view bytes, const HeadLimits &limits, RequestHead *head)
{
    std::string_view line;
    if (!takeLine(&bytes, &line))
        return bad("a line does not end in CR LF, or there is a NUL in it");
    if (HeadFault fault = readRequestLine(line, limits, head); fault.status)
        return fault;
    head->headers.reserve(usualFields);
    while (true) {
        if (!takeLine(&bytes, &line))
            return bad("a header line does not end in CR LF, or there is a NUL in it");
        if (line.empty())
            break;
        if (head->headers.size() >= limits.maxHeaderCount)
            return {431, Reason::HeadersTooLarge, "there are more header fields than MAX_HEADER_COUNT"};
        if (const char *problem = readField(line, &head->headers))
            return bad(problem);
    }
    if (HeadFault fault = readTarget(head); fault.status)
        return fault;
    return readFraming(head);
}

bool readResponseHead(std::string_view bytes, size_t maxHeaderCount, ResponseHead *head, ResponseFraming *framing)
{
    std::string_view line;
    if (!takeLine(&bytes, &line) || line.size() < 12 || (line.substr(0, 8) != "HTTP/1.1" && line.substr(0, 8) != "HTTP/1.0") || line[8] != ' ')
        return false;
    const auto code = std::from_chars(line.data() + 9, line.data() + 12, head->status);
    if (code.ptr != line.data() + 12 || head->status < 100 || (line.size() > 12 && line[12] != ' '))
        return false;
    head->reason = line.size() > 13 ? line.substr(13) : std::string_view();
    if (head->reason.find('\t') != std::string::npos || nextControl(head->reason, 0) < head->reason.size())
        return false;
    const bool isOld = line[7] == '0';
    framing->keepAlive = !isOld;
    head->headers.reserve(usualFields);
    while (true) {
        if (!takeLine(&bytes, &line))
            return false;
        if (line.empty())
            break;
        if (head->headers.size() >= maxHeaderCount || readField(line, &head->headers))
            return false;
    }
    bool sawTransferEncoding = false;
    for (const Header &header : head->headers) {
        if (equalsIgnoreCase(header.name, "content-length")) {
            int64_t length = 0;
            if (!plainDigits(header.value, &length) || framing->contentLength >= 0)
                return false;
            framing->contentLength = length;
        } else if (equalsIgnoreCase(header.name, "transfer-encoding")) {
            if (sawTransferEncoding || isOld || !equalsIgnoreCase(header.value, "chunked")) // RFC 9112 section 6.1: HTTP/1.0 has no chunks
                return false;
            sawTransferEncoding = framing->chunked = true;
        }
    }
    const std::string connection = head->headers.joined("connection");
    framing->keepAlive = !listContains(connection, "close") && (framing->keepAlive || listContains(connection, "keep-alive"));
    return !(framing->chunked && framing->contentLength >= 0);
}

} // namespace llmproxy
