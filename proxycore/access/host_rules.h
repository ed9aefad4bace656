// SPDX-License-Identifier: GPL-3.0-only
// What a host is to a server that connects to it, on behalf of somebody who may not choose freely (ruling 50): base URLs, webhooks, anchors.
// Decided on addresses, where we connect, never on how a text begins. Thread: values.
#pragma once

#include "access/cidr.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace llmproxy {

enum class Reach : uint8_t {
    Public,
    Private,   // RFC 1918, fc00::/7
    Loopback,  // this machine: 127.0.0.0/8, ::1, and what connecting takes for it: 0.0.0.0/8, ::
    LinkLocal, // 169.254.0.0/16, fe80::/10
    Metadata,  // where clouds hand out the credentials of a machine
};
// Also of the IPv4 address inside an IPv6 one: mapped, compatible, translated (RFC 2765), NAT64 (RFC 6052, 8215), 6to4, Teredo.
Reach reachOf(const IpAddress &address);

struct HostRules
{
    bool allowLinkLocal = false; // ALLOW_LINK_LOCAL_UPSTREAM
    bool allowInsecure = false;  // ALLOW_INSECURE_UPSTREAM: http:// to public addresses
};
enum class HostVerdict : uint8_t { Allowed, Metadata, LinkLocal, Insecure };
// isPlain: no TLS.
HostVerdict judgeHost(const IpAddress &address, bool isPlain, const HostRules &rules);
// Of a URL's host as it stands there: an address in any spelling. A name is judged by what it resolves to, and is Allowed here.
HostVerdict judgeHost(std::string_view host, bool isPlain, const HostRules &rules);

// localhost and the names below it (RFC 6761 section 6.3), in any case, with or without a dot at the end.
bool isLocalhostName(std::string_view host);
// What such a name stands for, without asking anybody.
const std::vector<IpAddress> &localhostAddresses();
// A name of localhost, or an address of this machine in any spelling. For what never goes through a proxy, and what may go in clear.
bool isThisMachine(std::string_view host);

} // namespace llmproxy
