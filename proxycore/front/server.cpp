// SPDX-License-Identifier: GPL-3.0-only
#include "front/server.h"

#include "access/host_rules.h"
#include "base/log.h"
#include "base/masking.h"

#include <algorithm>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int64_t acceptPauseMs = 100;

} // namespace

class Server::Listener final : public PollHandler
{
public:
    // kind: what its connections have in common.
    Listener(Server &server, int fd, Peer kind)
        : m_server(server), m_fd(fd), m_kind(std::move(kind)), m_again(server.m_poller, [this] { m_server.m_poller.change(m_fd, EPOLLIN, this); })
    {
        server.m_poller.add(fd, EPOLLIN, this);
    }
    ~Listener() override
    {
        m_server.m_poller.remove(m_fd, this);
        ::close(m_fd);
    }
    void onReady(uint32_t) override
    {
        if (m_server.accept(m_fd, m_kind))
            return;
        // Out of descriptors: the waiting connection stays readable, so look away for a while instead of spinning.
        m_server.m_poller.change(m_fd, 0, this);
        m_again.start(acceptPauseMs);
    }

    int number() const { return m_kind.privateListener; }

private:
    Server &m_server;
    int m_fd;
    Peer m_kind;
    Timer m_again;
};

Server::Server(Poller &poller, FrontConfig config, FrontHooks hooks)
    : m_poller(poller), m_config(std::move(config)), m_hooks(std::move(hooks)), m_scratch(64 * 1024, '\0'),
      m_tlsFailures(poller, m_config.counts)
{
}

Server::~Server() = default;

void Server::listenOn(int fd, bool localSocket)
{
    Peer kind;
    kind.localSocket = localSocket;
    m_listeners.push_back(std::make_unique<Listener>(*this, fd, std::move(kind)));
}

int Server::listenPrivately(int fd)
{
    Peer kind;
    kind.privateListener = ++m_lastPrivate;
    m_listeners.push_back(std::make_unique<Listener>(*this, fd, std::move(kind)));
    return m_lastPrivate;
}

void Server::endPrivate(int number)
{
    std::erase_if(m_listeners, [number](const auto &one) { return one->number() == number; });
    std::vector<Connection *> its;
    for (const auto &[connection, owned] : m_connections) {
        if (connection->socketPeer().privateListener == number)
            its.push_back(connection);
    }
    for (Connection *connection : its)
        connection->drain();
}

void Server::stopListening()
{
    m_listeners.clear();
}

// The other end is ours or root's, or within the limits of its address.
bool Server::admits(Peer &peer, int client)
{
    if (peer.localSocket) {
        ucred credentials{};
        socklen_t length = sizeof credentials;
        const bool known = getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0;
        return known && (credentials.uid == geteuid() || credentials.uid == 0);
    }
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    peer.text = peer.address.toString();
    return !m_hooks.admitConnection || m_hooks.admitConnection(peer.address);
}

bool Server::accept(int fd, const Peer &kind)
{
    for (int i = 0; i < 64; ++i) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        const int client = accept4(fd, reinterpret_cast<sockaddr *>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) {
            const bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (full && !m_outOfDescriptors)
                logError("out of file descriptors: raise the limit or lower MAX_CONNECTIONS");
            m_outOfDescriptors = full;
            return !full;
        }
        m_outOfDescriptors = false;
        Peer peer = kind;
        peer.address = IpAddress::fromSockaddr(reinterpret_cast<sockaddr *>(&address));
        if (!admits(peer, client)) {
            ::close(client);
            continue;
        }
        const bool tls = m_config.tls && !m_config.redirects && !peer.localSocket && peer.privateListener == 0;
        auto connection = std::make_unique<Connection>(*this, client, std::move(peer), tls ? m_config.tls->current().get() : nullptr);
        Connection *raw = connection.get();
        m_connections.emplace(raw, std::move(connection));
        raw->open();
    }
    return true;
}

void Server::drain()
{
    m_draining = true;
    stopListening();
    std::vector<Connection *> all;
    for (const auto &[connection, owned] : m_connections)
        all.push_back(connection);
    for (Connection *connection : all)
        connection->drain();
}

size_t Server::busyCount() const
{
    return static_cast<size_t>(std::count_if(m_connections.begin(), m_connections.end(), [](const auto &item) {
        return !item.first->isIdle() || item.first->backlog() > 0;
    }));
}

void Server::killAll()
{
    std::vector<Connection *> all;
    for (const auto &[connection, owned] : m_connections)
        all.push_back(connection);
    for (Connection *connection : all)
        connection->kill();
}

void Server::forget(Connection *connection)
{
    m_connections.erase(connection);
}

Peer Server::resolvePeer(const Peer &socketPeer, const RequestHead &head) const
{
    Peer peer = resolveClient(socketPeer, head.headers, m_config.clients);
    if (peer.sawOtherHeader && m_config.counts)
        m_config.counts->sawOtherAddressHeader.store(true, std::memory_order_relaxed);
    return peer;
}

void Server::handshakeFailed(const Peer &peer, std::string_view why)
{
    m_tlsFailures.failed(m_config.masksClientIp ? maskClientIp(peer.text) : peer.text, why);
}

bool Server::originAllowed(std::string_view origin) const
{
    return std::any_of(m_config.corsOrigins.begin(), m_config.corsOrigins.end(),
                       [origin](const std::string &allowed) { return allowed == "*" || equalsIgnoreCase(allowed, origin); });
}

bool isLocalName(const std::string &host)
{
    return IpAddress::parse(host) || isLocalhostName(host);
}

bool Server::hostAllowed(const std::string &host) const
{
    if (host.empty()) // HTTP/1.0 without Host
        return true;
    if (isLocalName(host) || (m_config.tls && m_config.tls->current()->names(host)))
        return true;
    for (const std::string &allowed : m_config.allowedHosts) {
        if (allowed == "*" || allowed == host)
            return true;
        if (allowed.size() > 1 && allowed.front() == '.' && host.size() > allowed.size()
            && host.compare(host.size() - allowed.size(), allowed.size(), allowed) == 0)
            return true;
    }
    return false;
}

} // namespace llmproxy
