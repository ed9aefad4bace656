// SPDX-License-Identifier: GPL-3.0-only
#include "access/cidr.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>

namespace llmproxy {

namespace {

constexpr std::array<unsigned char, 12> v4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress fromV4(const void *fourBytes)
{
    IpAddress address;
    std::copy(v4Prefix.begin(), v4Prefix.end(), address.bytes.begin());
    std::memcpy(address.bytes.data() + v4Prefix.size(), fourBytes, 4);
    return address;
}

IpAddress fromV6(const void *sixteenBytes)
{
    IpAddress address;
    std::memcpy(address.bytes.data(), sixteenBytes, address.bytes.size());
    return address;
}

bool samePrefix(const IpAddress &a, const IpAddress &b, int bits)
{
    const auto whole = static_cast<size_t>(bits / 8);
    if (!std::equal(a.bytes.begin(), a.bytes.begin() + static_cast<std::ptrdiff_t>(whole), b.bytes.begin()))
        return false;
    if (bits % 8 == 0)
        return true;
    const int mask = 0xff << (8 - bits % 8) & 0xff;
    return ((a.bytes[whole] ^ b.bytes[whole]) & mask) == 0;
}

Cidr literal(std::string_view text)
{
    return *Cidr::parse(text);
}

} // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text)
{
    char copy[INET6_ADDRSTRLEN] = {};
    if (text.empty() || text.size() >= sizeof copy || text.find('\0') != text.npos)
        return {};
    std::memcpy(copy, text.data(), text.size());
    unsigned char bytes[16];
    if (inet_pton(AF_INET, copy, bytes) == 1)
        return fromV4(bytes);
    if (inet_pton(AF_INET6, copy, bytes) == 1)
        return fromV6(bytes);
    return {};
}

std::optional<IpAddress> IpAddress::parseHost(std::string_view host)
{
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host.find(':') != host.npos)
        return parse(host.substr(0, host.find('%')));
    if (host.ends_with('.'))
        host.remove_suffix(1);
    in_addr number{};
    // inet_aton() reads on to a space, which no host has, and takes nothing for an address that does not begin with a digit.
    if (host.find_first_of(" \t\r\n") != host.npos || inet_aton(std::string(host).c_str(), &number) != 1)
        return {};
    return fromV4(&number);
}

IpAddress IpAddress::fromSockaddr(const sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, address, sizeof in);
        return fromV4(&in.sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, address, sizeof in);
        return fromV6(&in.sin6_addr);
    }
    IpAddress local;
    local.bytes[15] = 1;
    return local;
}

bool IpAddress::isV4() const
{
    return std::equal(v4Prefix.begin(), v4Prefix.end(), bytes.begin());
}

bool IpAddress::isLoopback() const
{
    static const Cidr v4 = literal("127.0.0.0/8");
    static const Cidr v6 = literal("::1");
    return v4.contains(*this) || v6.contains(*this);
}

IpAddress IpAddress::network() const
{
    IpAddress network = *this;
    if (!isV4())
        std::fill(network.bytes.begin() + 8, network.bytes.end(), static_cast<unsigned char>(0));
    return network;
}

std::string IpAddress::toString() const
{
    char text[INET6_ADDRSTRLEN] = {};
    if (isV4())
        inet_ntop(AF_INET, bytes.data() + v4Prefix.size(), text, sizeof text);
    else
        inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

std::optional<Cidr> Cidr::parse(std::string_view text)
{
    const size_t slash = text.find('/');
    const std::string_view host = text.substr(0, slash);
    const auto address = IpAddress::parse(host);
    if (!address)
        return {};
    const bool dotted = host.find(':') == host.npos;
    Cidr cidr{*address, 128};
    if (slash != text.npos) {
        const std::string_view bits = text.substr(slash + 1);
        int count = -1;
        const auto [end, fault] = std::from_chars(bits.data(), bits.data() + bits.size(), count);
        if (fault != std::errc() || end != bits.data() + bits.size() || count < 0 || count > (dotted ? 32 : 128))
            return {};
        cidr.prefix = dotted ? count + 96 : count;
    }
    for (int bit = cidr.prefix; bit < 128; ++bit) {
        auto &byte = cidr.network.bytes[static_cast<size_t>(bit / 8)];
        byte = static_cast<unsigned char>(byte & ~(0x80 >> bit % 8));
    }
    return cidr;
}

bool Cidr::contains(const IpAddress &address) const
{
    // "::/0" is every IPv6 address; it must not open the door to all of IPv4.
    if (prefix < 96 && address.isV4())
        return false;
    return samePrefix(network, address, prefix);
}

bool anyContains(const std::vector<Cidr> &networks, const IpAddress &address)
{
    return std::any_of(networks.begin(), networks.end(), [&](const Cidr &n) { return n.contains(address); });
}

} // namespace llmproxy
