// SPDX-License-Identifier: GPL-3.0-only
// What a host of a URL is to a server that connects to it: the one place that tells this machine and private networks from the rest.
// Decided on addresses, never on how a text begins. Thread: values.
#pragma once

#include "access/cidr.h"

#include <string_view>
#include <vector>

namespace llmproxy {

// localhost and the names below it (RFC 6761 section 6.3), in any case, with or without a dot at the end.
bool isLocalhostName(std::string_view host);
// What such a name stands for, without asking anybody.
const std::vector<IpAddress> &localhostAddresses();
// A name of localhost, or an address of this machine in any spelling. For what must never go through a proxy, and what may go in clear.
bool isThisMachine(std::string_view host);

} // namespace llmproxy
