// SPDX-License-Identifier: GPL-3.0-only
// The addresses of LISTEN_ADDR and HTTP_LISTEN_ADDR: a list of address:port and name:port. Thread: values.
#pragma once

#include "access/cidr.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llmproxy {

struct ListenAddress
{
    std::string host;     // an address as IpAddress writes it, without brackets, or a name in lower case
    uint16_t port = 8080; // 0: any free port
    std::vector<IpAddress> addresses; // what host stands for; empty: a name that nobody has looked up

    static ListenAddress at(const IpAddress &address, uint16_t port);
    bool isName() const;
    std::string text() const; // "127.0.0.1:8080", "[::1]:8080", "localhost:8080"
};
using ListenAddresses = std::vector<ListenAddress>;

// Each wrong entry is named in the returned sentence, and into stays as it is. Empty: all are right. Names other than localhost's
// are not looked up.
std::string readListenAddresses(const std::string &value, ListenAddresses *into);
std::string listenText(const ListenAddresses &all, const char *separator = ","); // as LISTEN_ADDR has it
// The same hosts, each once, on any free port.
ListenAddresses onFreePorts(const ListenAddresses &all);
bool isWildcard(const IpAddress &address); // 0.0.0.0, ::
// The addresses instead of names. A name that nobody has looked up stays one.
ListenAddresses asAddresses(const ListenAddresses &all);
// Those of them that other machines reach. A name that nobody has looked up may be one.
ListenAddresses forOtherMachines(const ListenAddresses &all);
// Where clients of this machine reach one of these: loopback before other addresses, and a wildcard is loopback. With TLS a name is
// preferred, because certificates are issued for names. Empty: nothing listens.
std::string localUrl(const ListenAddresses &all, bool tls);

} // namespace llmproxy
