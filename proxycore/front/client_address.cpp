// SPDX-License-Identifier: GPL-3.0-only
#include "front/client_address.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr std::string_view addressHeaders[] = {"x-forwarded-for", "x-real-ip", "forwarded"};

// An address; some gateways add the port.
std::optional<IpAddress> forwardedAddress(std::string_view text)
{
    if (const auto address = IpAddress::parse(text))
        return address;
    if (!text.empty() && text.front() == '[')
        return IpAddress::parse(text.substr(1, text.find(']') == std::string_view::npos ? 0 : text.find(']') - 1));
    const size_t colon = text.find(':');
    return colon != std::string_view::npos && text.rfind(':') == colon ? IpAddress::parse(text.substr(0, colon)) : std::nullopt;
}

// One of a list, outside quotes (RFC 9110 section 5.6.4); takes the separator, too.
std::string_view takePart(std::string_view *rest, char separator)
{
    bool isQuoted = false;
    size_t at = 0;
    for (; at < rest->size() && (isQuoted || (*rest)[at] != separator); ++at) {
        if ((*rest)[at] == '"')
            isQuoted = !isQuoted;
        else if (isQuoted && (*rest)[at] == '\\')
            ++at;
    }
    at = std::min(at, rest->size());
    const std::string_view part = rest->substr(0, at);
    rest->remove_prefix(std::min(at + 1, rest->size()));
    return trimmed(part);
}

std::string unquoted(std::string_view text)
{
    if (text.size() < 2 || text.front() != '"' || text.back() != '"')
        return std::string(text);
    std::string plain;
    for (size_t at = 1; at + 1 < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        plain += text[at];
    }
    return plain;
}

std::vector<std::string> listed(std::string_view value)
{
    std::vector<std::string> items;
    while (!value.empty())
        items.emplace_back(takePart(&value, ','));
    return items;
}

} // namespace

std::vector<std::string> forwardedFor(std::string_view value)
{
    std::vector<std::string> clients;
    while (!value.empty()) {
        std::string_view element = takePart(&value, ',');
        std::string client;
        int count = 0;
        while (!element.empty()) {
            const std::string_view pair = takePart(&element, ';');
            const size_t equals = pair.find('=');
            if (equals != std::string_view::npos && equalsIgnoreCase(trimmed(pair.substr(0, equals)), "for")) {
                client = unquoted(trimmed(pair.substr(equals + 1)));
                ++count;
            }
        }
        clients.push_back(count == 1 ? client : std::string());
    }
    return clients;
}

Peer resolveClient(const Peer &socketPeer, const Headers &headers, const ClientAddressRules &rules)
{
    Peer peer = socketPeer;
    const bool isGiven = std::any_of(std::begin(addressHeaders), std::end(addressHeaders), [&](std::string_view name) { return headers.find(name) != nullptr; });
    if (!isGiven || peer.localSocket || peer.privateListener != 0) // no proxy is in front of those
        return peer;
    peer.untrustedForward = true;
    if (!anyContains(rules.trustedProxies, peer.address))
        return peer;
    if (!headers.find(rules.header)) {
        peer.sawOtherHeader = true;
        return peer;
    }
    // Several fields are one list (RFC 9110 section 5.3); read it from the right, ours first.
    const std::string value = headers.joined(rules.header);
    const std::vector<std::string> clients = rules.header == "forwarded" ? forwardedFor(value) : listed(value);
    bool isRead = !clients.empty();
    for (auto one = clients.rbegin(); one != clients.rend(); ++one) {
        const auto address = forwardedAddress(*one);
        isRead = address.has_value();
        if (!isRead)
            break; // what stands left of garbage cannot be trusted
        peer.address = *address;
        peer.text = address->toString();
        peer.isForwarded = true;
        if (!anyContains(rules.trustedProxies, *address))
            break;
    }
    // All of the list are our own proxies: the left-most is the client. Garbage before it was found: nobody knows who asks.
    peer.untrustedForward = !isRead;
    return peer;
}

} // namespace llmproxy
