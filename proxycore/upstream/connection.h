// SPDX-License-Identifier: GPL-3.0-only
// What holds for every connection to the outside, whoever makes it: through a proxy or not, to which addresses, under which TLS, and whose
// certificate it must be. Names are looked up before libcurl is asked, and libcurl gets all addresses of a name, so that it races IPv6 and
// IPv4; it looks up nothing itself, and opens a socket to none but these. Thread: one at a time.
#pragma once

#include "base/curl_handles.h"
#include "base/reason.h"
#include "upstream/dialler.h"
#include "upstream/resolver.h"

#include <curl/curl.h>

#include <functional>
#include <string>
#include <vector>

namespace llmproxy {

std::string originOf(const DialTarget &target); // "https://api.example.com:8443"
// The proxy for a target: HTTPS_PROXY is for https, HTTP_PROXY for http, and neither for this machine nor for what NO_PROXY names
// (ruling 61). Empty: none.
const std::string &proxyFor(const DialTarget &target, const DialConfig &config);
// As curl does it, an HTTP proxy gets requests to http:// itself, with the whole URL; everything else goes through a tunnel.
bool isForwardedByProxy(const DialTarget &target, const DialConfig &config);
// "Proxy-Authorization: Basic …" and CR LF, from the proxy's URL; empty when it names no user.
std::string proxyAuthorization(const std::string &proxy);
// NO_PROXY as libcurl reads it: names with all below them, addresses and networks, separated by commas or spaces; "*" alone is everything.
bool isInNoProxy(std::string_view noProxy, std::string_view host);

class ConnectionPlan
{
public:
    ConnectionPlan(const DialTarget &target, const DialConfig &config);
    ConnectionPlan(const ConnectionPlan &) = delete;
    ConnectionPlan &operator=(const ConnectionPlan &) = delete;

    // The name to look up next, the provider's or the proxy's; null: none is left.
    const std::string *nextName() const { return m_unknown.empty() ? nullptr : &m_unknown.back().host; }
    // Why this is not dialled, whatever else resolves (ruling 50); None: nothing is known against it.
    Reason refusal() const { return m_refusal; }
    // The answer for nextName(). None: it can be used. Addresses that are refused are left out; where none is left, that is the reason.
    Reason take(const NameAnswer &answer);
    // Looks up all names in this thread. None: it can connect.
    // resolver null: there are none but addresses and localhost.
    Reason lookUp(Resolver *resolver, int64_t timeoutMs, const std::function<bool()> &isCancelled);
    // When no name is left, for a request of libcurl's own. The plan outlives the connecting.
    void prepare(CURL *easy);
    // The same for a connection that we use ourselves.
    void prepareConnection(CURL *easy);
    // TLS is on the connection that comes about.
    bool hasTls() const { return m_hasTls; }

private:
    struct Hop
    {
        std::string host;
        uint16_t port = 0;
        bool isDialled = false; // by us; else by the proxy, which is given an address
        bool isPlain = false;   // what it is judged as: the provider's without TLS
    };
    void add(Hop hop);
    Reason settle(const Hop &hop, const std::vector<IpAddress> &addresses);
    static CURLcode prepareTls(CURL *easy, void *context, void *plan);
    static curl_socket_t openSocket(void *plan, curlsocktype purpose, curl_sockaddr *address);

    const std::string m_unixSocket, m_caFile;
    const HostRules m_rules;
    Reason m_refusal = Reason::None;
    std::string m_proxy; // empty: none
    std::string m_url;   // whom a connection of our own is made to: the target, or the proxy that forwards to it
    bool m_isForwarded = false;
    bool m_hasTls;
    std::vector<std::string> m_certified; // whose certificates are verified, in the order of the handshakes: the proxy's, the target's
    size_t m_handshakes = 0;
    std::vector<Hop> m_unknown;
    std::vector<IpAddress> m_dialled;
    HeaderList m_known; // for CURLOPT_RESOLVE
};

bool isCertificateTrouble(CURLcode code);

} // namespace llmproxy
