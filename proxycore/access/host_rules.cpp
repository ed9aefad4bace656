// SPDX-License-Identifier: GPL-3.0-only
#include "access/host_rules.h"

#include "base/ascii.h"

#include <algorithm>
#include <initializer_list>

namespace llmproxy {

namespace {

using Networks = std::vector<Cidr>;

Networks networksOf(std::initializer_list<const char *> texts)
{
    Networks networks;
    for (const char *text : texts)
        networks.push_back(*Cidr::parse(text));
    return networks;
}

IpAddress v4Of(const IpAddress &address, std::initializer_list<size_t> places, unsigned char flipped = 0)
{
    IpAddress inner = *IpAddress::parse("0.0.0.0");
    std::transform(places.begin(), places.end(), inner.bytes.begin() + 12,
                   [&](size_t place) { return static_cast<unsigned char>(address.bytes[place] ^ flipped); });
    return inner;
}

// The IPv4 addresses that translators and tunnels make of an IPv6 one; mapped ones are IPv4 already.
std::vector<IpAddress> innerAddresses(const IpAddress &address)
{
    static const Cidr compatible = *Cidr::parse("::/96"), translated = *Cidr::parse("::ffff:0:0:0/96"), nat64 = *Cidr::parse("64:ff9b::/96"),
                      localNat64 = *Cidr::parse("64:ff9b:1::/48"), sixToFour = *Cidr::parse("2002::/16"), teredo = *Cidr::parse("2001::/32");
    if (address.isV4())
        return {};
    if (compatible.contains(address) || translated.contains(address) || nat64.contains(address))
        return {v4Of(address, {12, 13, 14, 15})};
    if (localNat64.contains(address)) // of any length from 48 to 96 bits; byte 8 is empty
        return {v4Of(address, {6, 7, 9, 10}), v4Of(address, {7, 9, 10, 11}), v4Of(address, {9, 10, 11, 12}), v4Of(address, {12, 13, 14, 15})};
    if (sixToFour.contains(address))
        return {v4Of(address, {2, 3, 4, 5})};
    if (teredo.contains(address))
        return {v4Of(address, {12, 13, 14, 15}, 0xff)};
    return {};
}

Reach outerReach(const IpAddress &address)
{
    static const Networks metadata = networksOf({"169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
                                                 "fd00:ec2::23", "fd20:ce::254"}); // EKS Pod Identity, Google Cloud
    static const Networks linkLocal = networksOf({"169.254.0.0/16", "fe80::/10"});
    static const Networks thisMachine = networksOf({"127.0.0.0/8", "0.0.0.0/8", "::1", "::"});
    static const Networks privates = networksOf({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"});
    if (anyContains(metadata, address))
        return Reach::Metadata;
    if (anyContains(linkLocal, address))
        return Reach::LinkLocal;
    if (anyContains(thisMachine, address))
        return Reach::Loopback;
    return anyContains(privates, address) ? Reach::Private : Reach::Public;
}

} // namespace

// What is private behind a translator is not taken for private: who reads along on the way there is not known.
Reach reachOf(const IpAddress &address)
{
    const Reach outer = outerReach(address);
    if (outer != Reach::Public)
        return outer;
    Reach worst = outer;
    for (const IpAddress &inner : innerAddresses(address)) {
        const Reach reach = outerReach(inner);
        if (reach == Reach::Metadata || (reach == Reach::LinkLocal && worst != Reach::Metadata))
            worst = reach;
    }
    return worst;
}

HostVerdict judgeHost(const IpAddress &address, bool isPlain, const HostRules &rules)
{
    const Reach reach = reachOf(address);
    if (reach == Reach::Metadata)
        return HostVerdict::Metadata;
    if (reach == Reach::LinkLocal && !rules.allowLinkLocal)
        return HostVerdict::LinkLocal;
    return reach == Reach::Public && isPlain && !rules.allowInsecure ? HostVerdict::Insecure : HostVerdict::Allowed;
}

HostVerdict judgeHost(std::string_view host, bool isPlain, const HostRules &rules)
{
    const auto address = IpAddress::parseHost(host);
    return address ? judgeHost(*address, isPlain, rules) : HostVerdict::Allowed;
}

bool isLocalhostName(std::string_view host)
{
    if (host.ends_with('.'))
        host.remove_suffix(1);
    const std::string name = lowerCased(host);
    return name == "localhost" || (name.size() > 10 && name.ends_with(".localhost"));
}

const std::vector<IpAddress> &localhostAddresses()
{
    static const std::vector<IpAddress> both{*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")};
    return both;
}

bool isThisMachine(std::string_view host)
{
    const auto address = IpAddress::parseHost(host);
    return address ? reachOf(*address) == Reach::Loopback : isLocalhostName(host);
}

} // namespace llmproxy
