// SPDX-License-Identifier: GPL-3.0-only
// Who asks, behind the proxies in front of us (ruling 61). Thread: any.
#pragma once

#include "front/http_types.h"

#include <string>
#include <vector>

namespace llmproxy {

// One header names the client, from trusted proxies alone: what others send is passed on by proxies that do not know it.
struct ClientAddressRules
{
    std::string header = "x-forwarded-for"; // or "x-real-ip", "forwarded" (RFC 7239); lower case
    std::vector<Cidr> trustedProxies;
};

// The right-most address of the header that is no trusted proxy. isForwarded: it comes from the header. untrustedForward: the sender is
// not trusted, or the client's address cannot be read; sawOtherHeader: a trusted proxy sent another of the three headers only, and the
// address is its own.
Peer resolveClient(const Peer &socketPeer, const Headers &headers, const ClientAddressRules &rules);

// "for=" of each element of RFC 7239's header, unquoted; what is malformed is an empty text.
std::vector<std::string> forwardedFor(std::string_view value);

} // namespace llmproxy
