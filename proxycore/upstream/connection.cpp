// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/connection.h"

#include "base/ascii.h"
#include "front/tcp_liveness.h"
#include "secrets/sealed_text.h"

#include <algorithm>
#include <charconv>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <optional>
#include <sys/socket.h>

namespace llmproxy {

namespace {

struct ProxyAddress
{
    std::string host;
    uint16_t port = 0;
    std::string user, password;
    bool isHttp = false;         // not SOCKS
    bool hasTls = false;
    bool asksForAddress = false; // SOCKS with look-ups on this side: it is given the provider's address, not its name

    std::string origin() const { return (hasTls ? "https://" : "http://") + host + ":" + std::to_string(port); }
};

// As libcurl reads it.
std::optional<ProxyAddress> proxyAddressOf(const std::string &text)
{
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
    const bool hasScheme = text.find("://") != std::string::npos;
    if (!url || curl_url_set(url.get(), CURLUPART_URL, (hasScheme ? text : "http://" + text).c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return {};
    const auto part = [&](CURLUPart which, unsigned flags = 0) {
        char *found = nullptr;
        curl_url_get(url.get(), which, &found, flags);
        std::string copy = found ? found : "";
        curl_free(found);
        return copy;
    };
    ProxyAddress address;
    const std::string scheme = part(CURLUPART_SCHEME), port = part(CURLUPART_PORT);
    address.host = lowerCased(part(CURLUPART_HOST));
    address.port = scheme == "https" ? 443 : 1080;
    std::from_chars(port.data(), port.data() + port.size(), address.port);
    address.user = part(CURLUPART_USER, CURLU_URLDECODE);
    address.password = part(CURLUPART_PASSWORD, CURLU_URLDECODE);
    address.hasTls = scheme == "https";
    address.isHttp = address.hasTls || scheme == "http";
    address.asksForAddress = scheme == "socks4" || scheme == "socks5";
    return address;
}

Reason reasonOf(HostVerdict verdict)
{
    switch (verdict) {
    case HostVerdict::Metadata:
        return Reason::UpstreamMetadataAddress;
    case HostVerdict::LinkLocal:
        return Reason::UpstreamLinkLocalAddress;
    case HostVerdict::Insecure:
        return Reason::UpstreamInsecureAddress;
    case HostVerdict::Allowed:
        break;
    }
    return Reason::None;
}

std::string withoutDot(const std::string &host)
{
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

bool isNoProxyItem(std::string_view item, const std::string &name, const std::optional<IpAddress> &address)
{
    if (address) {
        const auto single = IpAddress::parseHost(item);
        const auto network = single ? std::nullopt : Cidr::parse(item);
        return single ? *single == *address : network && network->contains(*address);
    }
    if (item.starts_with('.'))
        item.remove_prefix(1);
    if (item.ends_with('.'))
        item.remove_suffix(1);
    const std::string domain = lowerCased(item);
    return !domain.empty() && (name == domain || name.ends_with("." + domain));
}

} // namespace

std::string originOf(const DialTarget &target)
{
    return (target.url.tls ? "https://" : "http://") + target.authority;
}

bool isInNoProxy(std::string_view noProxy, std::string_view host)
{
    const auto address = IpAddress::parseHost(host);
    const std::string name = lowerCased(withoutDot(std::string(host)));
    if (noProxy == "*")
        return true;
    while (!noProxy.empty()) {
        const size_t end = std::min(noProxy.find_first_of(", \t"), noProxy.size());
        if (end > 0 && isNoProxyItem(noProxy.substr(0, end), name, address))
            return true;
        noProxy.remove_prefix(std::min(end + 1, noProxy.size()));
    }
    return false;
}

const std::string &proxyFor(const DialTarget &target, const DialConfig &config)
{
    static const std::string none;
    const std::string &proxy = target.url.tls ? config.httpsProxy : config.httpProxy;
    const bool isDirect = proxy.empty() || !target.unixSocket.empty() || isThisMachine(target.url.host) || isInNoProxy(config.noProxy, target.url.host);
    return isDirect ? none : proxy;
}

bool isForwardedByProxy(const DialTarget &target, const DialConfig &config)
{
    if (target.url.tls)
        return false;
    const std::string &proxy = proxyFor(target, config);
    const auto address = proxy.empty() ? std::nullopt : proxyAddressOf(proxy);
    return address && address->isHttp;
}

std::string proxyAuthorization(const std::string &proxy)
{
    const auto address = proxy.empty() ? std::nullopt : proxyAddressOf(proxy);
    if (!address || (address->user.empty() && address->password.empty()))
        return {};
    return "Proxy-Authorization: Basic " + toBase64(address->user + ":" + address->password) + "\r\n";
}

ConnectionPlan::ConnectionPlan(const DialTarget &target, const DialConfig &config)
    : m_unixSocket(target.unixSocket), m_caFile(config.caFile), m_rules(config.hosts), m_url(originOf(target) + "/"), m_hasTls(target.url.tls)
{
    if (target.url.tls)
        m_certified.push_back(withoutDot(target.url.host));
    if (!m_unixSocket.empty())
        return;
    m_proxy = proxyFor(target, config);
    if (m_proxy.empty()) {
        add({target.url.host, target.url.port, true, !target.url.tls});
        return;
    }
    m_refusal = reasonOf(judgeHost(target.url.host, !target.url.tls, m_rules)); // all that can be said of it here: the proxy resolves names
    const auto proxy = proxyAddressOf(m_proxy);
    if (!proxy)
        return; // nothing is dialled then: openSocket() knows no address
    if (proxy->hasTls)
        m_certified.insert(m_certified.begin(), withoutDot(proxy->host));
    m_isForwarded = !target.url.tls && proxy->isHttp;
    if (m_isForwarded) {
        m_url = proxy->origin() + "/";
        m_hasTls = proxy->hasTls;
    }
    if (proxy->asksForAddress)
        add({target.url.host, target.url.port, false, !target.url.tls});
    add({proxy->host, proxy->port, true, false});
}

void ConnectionPlan::add(Hop hop)
{
    if (const auto literal = IpAddress::parseHost(hop.host)) {
        if (const Reason reason = reasonOf(judgeHost(*literal, hop.isPlain, m_rules)); reason != Reason::None)
            m_refusal = reason;
        else if (hop.isDialled)
            m_dialled.push_back(*literal);
    } else if (isLocalhostName(hop.host)) {
        settle(hop, localhostAddresses()); // loopback, which nothing is said against
    } else {
        m_unknown.push_back(std::move(hop));
    }
}

// "+": libcurl may forget it; it is given anew for each connection. With and without a dot at the end, since its versions differ in
// which of the two they look for.
Reason ConnectionPlan::settle(const Hop &hop, const std::vector<IpAddress> &addresses)
{
    std::string list;
    Reason refusal = Reason::UpstreamDns;
    for (const IpAddress &address : addresses) {
        if (const Reason reason = reasonOf(judgeHost(address, hop.isPlain, m_rules)); reason != Reason::None) {
            refusal = reason;
            continue;
        }
        const std::string text = address.toString();
        list += (list.empty() ? "" : ",") + (address.isV4() ? text : "[" + text + "]");
        if (hop.isDialled)
            m_dialled.push_back(address);
    }
    if (list.empty())
        return refusal;
    const std::string name = withoutDot(hop.host), rest = ":" + std::to_string(hop.port) + ":" + list;
    addHeader(m_known, "+" + name + rest);
    if (hop.host != name)
        addHeader(m_known, "+" + hop.host + rest);
    return Reason::None;
}

Reason ConnectionPlan::take(const NameAnswer &answer)
{
    const Hop hop = std::move(m_unknown.back());
    m_unknown.pop_back();
    switch (answer.kind) {
    case NameAnswer::Kind::Found:
        return settle(hop, answer.addresses);
    case NameAnswer::Kind::Busy:
        return Reason::UpstreamResolverBusy;
    case NameAnswer::Kind::TimedOut:
        return Reason::UpstreamConnectTimeout;
    case NameAnswer::Kind::Failed:
        break;
    }
    return Reason::UpstreamDns;
}

Reason ConnectionPlan::lookUp(Resolver *resolver, int64_t timeoutMs, const std::function<bool()> &isCancelled)
{
    if (m_refusal != Reason::None)
        return m_refusal;
    while (const std::string *name = nextName()) {
        if (const Reason reason = take(resolver ? resolver->wait(*name, timeoutMs, isCancelled) : NameAnswer{}); reason != Reason::None)
            return reason;
    }
    return Reason::None;
}

// Read ahead: one system call a record instead of two. Our output moves while OpenSSL waits to write the rest of it (SSL_CTX_set_mode(3)): without this, a slow reader
// ends an upload with "bad write retry".
CURLcode ConnectionPlan::prepareTls(CURL *, void *given, void *self)
{
    auto *const context = static_cast<SSL_CTX *>(given);
    auto &plan = *static_cast<ConnectionPlan *>(self);
    if (plan.m_handshakes >= plan.m_certified.size())
        return CURLE_SSL_CONNECT_ERROR; // one more than the plan knows of
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    // curl takes a common name for the host's where there is no subjectAltName; RFC 9110 section 4.3.4 forbids that.
    X509_VERIFY_PARAM *const rules = SSL_CTX_get0_param(context);
    const std::string &name = plan.m_certified[plan.m_handshakes++];
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool isSet = X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1 || X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size()) == 1;
    return isSet ? CURLE_OK : CURLE_SSL_CONNECT_ERROR;
}

// Whatever libcurl makes of the URL: only the addresses that were looked up and judged here are dialled.
curl_socket_t ConnectionPlan::openSocket(void *given, curlsocktype, curl_sockaddr *address)
{
    const auto &plan = *static_cast<const ConnectionPlan *>(given);
    const bool isPlanned = address->family == AF_UNIX ? !plan.m_unixSocket.empty()
                                                      : std::find(plan.m_dialled.begin(), plan.m_dialled.end(), IpAddress::fromSockaddr(&address->addr)) != plan.m_dialled.end();
    if (!isPlanned)
        return CURL_SOCKET_BAD;
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0 && address->family != AF_UNIX)
        detectDeadPeer(fd);
    return fd;
}

void ConnectionPlan::prepare(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &ConnectionPlan::prepareTls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &ConnectionPlan::openSocket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, m_known.get());
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1}); // else ALPN may choose h2
    curl_easy_setopt(easy, CURLOPT_PROXY, m_proxy.c_str()); // "": curl would read the environment
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, m_isForwarded ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (!m_caFile.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, m_caFile.c_str());
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, m_caFile.c_str());
    }
    if (!m_unixSocket.empty())
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, m_unixSocket.c_str());
}

void ConnectionPlan::prepareConnection(CURL *easy)
{
    prepare(easy);
    curl_easy_setopt(easy, CURLOPT_URL, m_url.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    if (m_isForwarded) // the requests that it is to forward are ours
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

bool isCertificateTrouble(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR;
}

} // namespace llmproxy
