// SPDX-License-Identifier: GPL-3.0-only
#include "front/listener.h"

#include "front/tcp_liveness.h"

#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace llmproxy {

namespace {

socklen_t toSockaddr(const ListenPoint &point, sockaddr_storage *address)
{
    if (point.address.isV4()) {
        auto *v4 = reinterpret_cast<sockaddr_in *>(address);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(point.port);
        std::memcpy(&v4->sin_addr, point.address.bytes.data() + 12, 4);
        return sizeof *v4;
    }
    auto *v6 = reinterpret_cast<sockaddr_in6 *>(address);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(point.port);
    std::memcpy(&v6->sin6_addr, point.address.bytes.data(), 16);
    return sizeof *v6;
}

BindFailure failureOf(int error)
{
    switch (error) {
    case EADDRINUSE:
        return BindFailure::Taken;
    case EACCES:
        return BindFailure::NotAllowed;
    default:
        return BindFailure::Other;
    }
}

ListenProblem problemOf(const ListenPoint &point, int error)
{
    ListenProblem problem{failureOf(error), "cannot listen on " + point.text() + ": " + std::strerror(error)};
    if (error != EADDRINUSE && !hasFamilyOf(point.address))
        problem.text += point.address.isV4() ? " (this machine has no IPv4)" : " (this machine has no IPv6)";
    else if (error == EADDRNOTAVAIL)
        problem.text += "; no network interface of this machine has that address";
    else if (error == EACCES)
        problem.text += "; ports below 1024 need the capability CAP_NET_BIND_SERVICE: setcap cap_net_bind_service=+ep PROGRAM, or AmbientCapabilities in a systemd unit";
    return problem;
}

int bindSocket(const ListenPoint &point, bool reusePort, uint16_t *boundPort, ListenProblem *problem)
{
    sockaddr_storage address{};
    socklen_t size = toSockaddr(point, &address);
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *problem = problemOf(point, errno);
        return -1;
    }
    const int on = 1, onlyV6 = !point.isDualStack;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reusePort)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &onlyV6, sizeof onlyV6);
    if (bind(fd, reinterpret_cast<sockaddr *>(&address), size) != 0) {
        const int error = errno;
        ::close(fd);
        *problem = problemOf(point, error);
        return -1;
    }
    getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
    *boundPort = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6 *>(&address)->sin6_port
                                                     : reinterpret_cast<sockaddr_in *>(&address)->sin_port);
    return fd;
}

} // namespace

std::string ListenPoint::text() const
{
    const std::string host = address.toString();
    return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool hasFamilyOf(const IpAddress &address)
{
    ListenPoint loopback{*IpAddress::parse(address.isV4() ? "127.0.0.1" : "::1")};
    sockaddr_storage where{};
    const socklen_t size = toSockaddr(loopback, &where);
    const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool isThere = fd >= 0 && bind(fd, reinterpret_cast<sockaddr *>(&where), size) == 0;
    if (fd >= 0)
        ::close(fd);
    return isThere;
}

int openTcpListener(const ListenPoint &point, uint16_t *boundPort, ListenProblem *problem, bool isShared)
{
    const int fd = bindSocket(point, isShared, boundPort, problem);
    if (fd < 0)
        return -1;
    detectDeadPeer(fd);
    if (listen(fd, 1024) != 0) {
        *problem = problemOf(point, errno);
        ::close(fd);
        return -1;
    }
    return fd;
}

bool probeBind(const ListenPoint &point, uint16_t *port, ListenProblem *problem)
{
    const int fd = bindSocket(point, false, port, problem);
    if (fd < 0)
        return false;
    ::close(fd);
    return true;
}

int openUnixListener(const std::string &path, std::string *error)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        *error = "the path of the control socket is too long: " + path;
        return -1;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    ::unlink(path.c_str()); // ours: the data directory's lock is held
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const mode_t mask = umask(0177);
    const bool bound = bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
    umask(mask);
    if (!bound || listen(fd, 128) != 0) {
        *error = "cannot open the control socket " + path + ": " + std::strerror(errno);
        ::close(fd);
        return -1;
    }
    return fd;
}

bool takesSocket(const std::string &path, std::string *error)
{
    const int fd = openUnixListener(path, error);
    if (fd < 0)
        return false;
    ::close(fd);
    ::unlink(path.c_str());
    return true;
}

} // namespace llmproxy
