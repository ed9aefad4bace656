// SPDX-License-Identifier: GPL-3.0-only
// The listeners and connections of one engine thread. Everything about tokens and providers comes in
// through hooks. Thread: its poller's, but for construction.
#pragma once

#include "front/client_address.h"
#include "front/connection.h"
#include "front/front_counts.h"
#include "front/poller.h"
#include "front/stream.h"
#include "front/tls_failures.h"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace llmproxy {

struct FrontConfig
{
    HeadLimits head;
    size_t maxHeaderSize = 32 * 1024;
    int64_t maxRequestSize = 512'000'000;
    int64_t headTimeoutMs = 10'000, bodyTimeoutMs = 60'000, keepaliveTimeoutMs = 75'000, writeTimeoutMs = 60'000;
    std::vector<std::string> allowedHosts; // beside IP literals, localhost names; ".example.com", "*"
    ClientAddressRules clients;
    std::vector<std::string> corsOrigins; // lower case; "*": all
    FrontCounts *counts = nullptr;        // outlives the server
    bool masksClientIp = false;           // in the application log, as in the audit log
    TlsContext *tls = nullptr; // null: plain
    bool redirects = false;    // HTTP_LISTEN_ADDR: plain, 308 to https, but for ACME
    std::string acmeWebroot;   // empty: nothing is served there
    uint16_t httpsPort = 443;  // where to
};

struct FrontHooks
{
    // After strict head, Host and address limits. Never null.
    std::function<std::unique_ptr<RequestHandler>(RequestHead &&, ServerStream &)> makeHandler;
    // Address limits; a Refusal with status 0 admits.
    std::function<Refusal(const Peer &)> admitRequest;
    std::function<bool(const IpAddress &)> admitConnection; // false: refuse
    std::function<void(const IpAddress &)> connectionClosed;
    // Front refused a request by itself: a bad, late or large head, a Host that is not served, an address limit. What of head is
    // known. Never for the control socket.
    std::function<void(const Peer &, const RequestHead &, const Refusal &)> refused;
};

class Server
{
public:
    Server(Poller &poller, FrontConfig config, FrontHooks hooks);
    ~Server();

    // Takes over a listening, non-blocking socket.
    void listenOn(int fd, bool localSocket);
    // The same for one command of this machine (ruling 24): without TLS and management, until endPrivate(). Then its idle connections
    // close at once and others after their running answer; who asked for it revokes the token, which ends those. Returns its number.
    int listenPrivately(int fd);
    void endPrivate(int number);
    void stopListening();
    // No new requests; idle connections close.
    void drain();
    size_t busyCount() const;
    size_t connectionCount() const { return m_connections.size(); }
    void killAll();

    Poller &poller() { return m_poller; }
    const FrontConfig &config() const { return m_config; }
    const FrontHooks &hooks() const { return m_hooks; }
    bool isDraining() const { return m_draining; }
    std::string &scratch() { return m_scratch; }
    void forget(Connection *connection);
    // The client after TRUSTED_PROXIES.
    Peer resolvePeer(const Peer &socketPeer, const RequestHead &head) const;
    bool isTrustedProxy(const Peer &socketPeer) const { return !socketPeer.localSocket && socketPeer.privateListener == 0 && anyContains(m_config.clients.trustedProxies, socketPeer.address); }
    void handshakeFailed(const Peer &peer, std::string_view why);
    bool hostAllowed(const std::string &host) const;
    bool originAllowed(std::string_view origin) const;

private:
    class Listener;
    bool accept(int fd, const Peer &kind); // false: no descriptor is free
    bool admits(Peer &peer, int client);

    Poller &m_poller;
    FrontConfig m_config;
    FrontHooks m_hooks;
    std::string m_scratch; // one read buffer for all connections of the thread
    TlsFailures m_tlsFailures;
    std::vector<std::unique_ptr<Listener>> m_listeners;
    std::unordered_map<Connection *, std::unique_ptr<Connection>> m_connections;
    int m_lastPrivate = 0;
    bool m_draining = false;
    bool m_outOfDescriptors = false;
};

// An IP literal, localhost, or a name below it: always served (rebinding needs a name), never bound to https.
bool isLocalName(const std::string &host);

} // namespace llmproxy
