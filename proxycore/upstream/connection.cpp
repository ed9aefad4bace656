// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/connection.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace llmproxy {

namespace {

// Read ahead: one system call a record instead of two. Our output moves while OpenSSL waits to write the rest of it (SSL_CTX_set_mode(3)): without this, a slow reader
// ends an upload with "bad write retry".
CURLcode prepareTls(CURL *, void *given, void *host)
{
    auto *const context = static_cast<SSL_CTX *>(given);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    // curl takes a common name for the host's where there is no subjectAltName; RFC 9110 section 4.3.4 forbids that.
    X509_VERIFY_PARAM *const rules = SSL_CTX_get0_param(context);
    const std::string &name = *static_cast<const std::string *>(host);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool isSet = X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1 || X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size()) == 1;
    return isSet ? CURLE_OK : CURLE_SSL_CONNECT_ERROR;
}

} // namespace

std::string originOf(const DialTarget &target)
{
    return (target.url.tls ? "https://" : "http://") + target.authority;
}

std::string certifiedHost(const DialTarget &target)
{
    const std::string &host = target.url.host;
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

void prepareConnection(CURL *easy, const DialTarget &target, const DialConfig &config, const std::string &host)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // else giving up on a slow name waits for its resolver thread
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &prepareTls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, const_cast<std::string *>(&host));
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1}); // else ALPN may choose h2
    curl_easy_setopt(easy, CURLOPT_PROXY, config.httpsProxy.c_str()); // "": curl would read the environment
    curl_easy_setopt(easy, CURLOPT_NOPROXY, config.noProxy.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (!config.caFile.empty())
        curl_easy_setopt(easy, CURLOPT_CAINFO, config.caFile.c_str());
    if (!target.unixSocket.empty())
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, target.unixSocket.c_str());
}

bool isCertificateTrouble(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR;
}

} // namespace llmproxy
