// SPDX-License-Identifier: GPL-3.0-only
// HTTP/1.1 messages as values (RFC 9112), shared by both legs. Thread: values.
#pragma once

#include "access/cidr.h"
#include "base/ascii.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct Header
{
    std::string name; // as received
    std::string value;
};

std::string_view trimmed(std::string_view text);
// True when fits() is true for an item of a comma-separated header value (RFC 9110 section 5.6.1).
template<typename Fits>
bool anyListItem(std::string_view value, Fits fits)
{
    while (!value.empty()) {
        const size_t comma = value.find(',');
        if (fits(trimmed(value.substr(0, comma))))
            return true;
        if (comma == std::string_view::npos)
            break;
        value.remove_prefix(comma + 1);
    }
    return false;
}
bool listContains(std::string_view value, std::string_view token);
// The lower-case media type of a Content-Type value, without parameters (RFC 9110 section 8.3.1).
std::string mediaType(std::string_view contentType);

struct Headers : std::vector<Header>
{
    using std::vector<Header>::vector;
    // The first of that name, nullptr when there is none.
    const std::string *find(std::string_view name) const;
    std::string_view value(std::string_view name) const;
    // All of that name as one list (RFC 9110 section 5.3).
    std::string joined(std::string_view name) const;
    // Overwrites what all of that name say: a credential that was read.
    void wipe(std::string_view name);
    void add(std::string name, std::string value) { push_back({std::move(name), std::move(value)}); }
};

struct RequestHead
{
    std::string method;
    std::string target;      // as received, origin-form after normalization of absolute-form
    std::string path;        // target up to '?'
    std::string query;       // after '?', raw; empty when there is none
    std::string host;        // lower case, no port, no brackets, no trailing dot
    int minorVersion = 1;    // HTTP/1.x
    bool isAbsolute = false; // the target was a whole URL
    bool isForTls = false;   // and that https://…
    Headers headers;
    bool chunked = false;
    int64_t contentLength = -1; // -1: not declared
    bool keepAlive = true;
    bool expectContinue = false;
    std::string requestId;   // the client's when sane, else a new UUID
    int64_t beganUs = 0;     // Clock::steadyUs() when its first byte was read
    bool isWhole = false;    // it was read to its end and keeps the rules; else what is here may be anything

    bool hasBody() const { return chunked || contentLength > 0; }
};

struct ResponseHead
{
    int status = 200;
    std::string reason;      // empty: the registered phrase
    Headers headers;         // without framing fields; the writer adds them
};

// Who is asking: the socket's peer, and the client after TRUSTED_PROXIES.
struct Peer
{
    IpAddress address;       // resolved client
    std::string text;        // its text form
    bool localSocket = false; // control socket: peer uid checked, no token needed
    int privateListener = 0; // number of the listener of one command (Server::listenPrivately); 0: another one
    bool isForwarded = false; // the address comes from CLIENT_ADDRESS_HEADER
    bool untrustedForward = false; // carried X-Forwarded-For & co., but from outside TRUSTED_PROXIES, or the address cannot be read
    bool sawOtherHeader = false; // a trusted proxy names the client in another header than CLIENT_ADDRESS_HEADER
};

std::string_view reasonPhrase(int status);

} // namespace llmproxy
