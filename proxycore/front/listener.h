// SPDX-License-Identifier: GPL-3.0-only
// Sockets that listen. Thread: any.
#pragma once

#include "access/cidr.h"

#include <cstdint>
#include <string>

namespace llmproxy {

struct ListenPoint
{
    IpAddress address;
    uint16_t port = 0;        // 0: the kernel chooses
    bool isDualStack = false; // of ::, IPv4 too: its clients come as ::ffff:a.b.c.d, which is their IPv4 address to IpAddress
    std::string text() const; // "127.0.0.1:8080", "[::1]:8080"
};

enum class BindFailure : uint8_t {
    None,
    Taken,      // another socket has the port
    NotAllowed, // a port below net.ipv4.ip_unprivileged_port_start
    Other,      // among them: the address is not this machine's
};

struct ListenProblem
{
    BindFailure failure = BindFailure::None;
    std::string text; // names the address
};

// Does this machine have addresses of this family, its loopback address at least? Without IPv6 in the kernel, in the namespace, or on
// the interface lo it has none.
bool hasFamilyOf(const IpAddress &address);
// Binds and listens. isShared: SO_REUSEPORT, so that each engine thread has its own queue. -1: see problem.
int openTcpListener(const ListenPoint &point, uint16_t *boundPort, ListenProblem *problem, bool isShared = true);
// A first bind without SO_REUSEPORT: finds a port that another program uses.
bool probeBind(const ListenPoint &point, uint16_t *port, ListenProblem *problem);
int openUnixListener(const std::string &path, std::string *error); // 0600
// Can a listener be opened there? Tried, and taken back: a path may be too long, and not all file systems have sockets.
bool takesSocket(const std::string &path, std::string *error);

} // namespace llmproxy
