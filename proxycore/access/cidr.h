// SPDX-License-Identifier: GPL-3.0-only
// IP addresses and networks as 16 bytes; IPv4 is kept as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2),
// so an IPv4 rule matches an IPv4-mapped peer. Thread: values.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace llmproxy {

struct IpAddress
{
    std::array<unsigned char, 16> bytes{};

    static std::optional<IpAddress> parse(std::string_view text); // no brackets, no zone, no port
    // Whatever libcurl or the system take for an address where a URL has its host: 0x7f.1, 017700000001, 2130706433, [fe80::1%25eth0], one
    // dot at the end. Nothing: it is a name.
    static std::optional<IpAddress> parseHost(std::string_view host);
    static IpAddress fromSockaddr(const sockaddr *address);       // AF_UNIX gives ::1
    bool isV4() const;
    bool isLoopback() const; // 127.0.0.0/8, ::1
    std::string toString() const;
    // One client as limits count it: of IPv6 the /64, from which a customer may choose addresses (RFC 6177).
    IpAddress network() const;
    bool operator<(const IpAddress &other) const { return bytes < other.bytes; }
    bool operator==(const IpAddress &) const = default;
};

struct Cidr
{
    IpAddress network;
    int prefix = 128; // bits of the 16-byte form

    // "10.0.0.0/8", "::1", "192.168.1.4"; "loopback" is not one (config expands that).
    static std::optional<Cidr> parse(std::string_view text);
    bool contains(const IpAddress &address) const;
};

bool anyContains(const std::vector<Cidr> &networks, const IpAddress &address);

} // namespace llmproxy
