// SPDX-License-Identifier: GPL-3.0-only
#include "access/host_rules.h"

#include "base/ascii.h"

namespace llmproxy {

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
    return address ? address->isLoopback() : isLocalhostName(host);
}

} // namespace llmproxy
