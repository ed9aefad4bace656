// SPDX-License-Identifier: GPL-3.0-only
#include "front/tls.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace llmproxy {

namespace {

constexpr char intermediateCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"
    "DHE-RSA-CHACHA20-POLY1305";
constexpr char intermediateGroups[] = "X25519:P-256:P-384";
constexpr int64_t noticeMs = 14 * dayMs;

Error tlsError(const std::string &message, const char *setting)
{
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return {ErrorKind::Invalid, "tls", message + (reason ? std::string(" (") + reason + ")" : std::string()), setting};
}

// RFC 7301: HTTP/1.1 is all that is spoken here; a client that offers only others gets no answer to its list.
int chooseProtocol(SSL *, const unsigned char **out, unsigned char *outSize, const unsigned char *in, unsigned inSize, void *)
{
    static constexpr unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char *chosen = nullptr;
    if (SSL_select_next_proto(&chosen, outSize, http11, sizeof http11, in, inSize) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int64_t msOf(const ASN1_TIME *time)
{
    tm utc{};
    return ASN1_TIME_to_tm(time, &utc) == 1 ? int64_t{timegm(&utc)} * 1000 : 0;
}

std::vector<std::string> dnsNames(X509 *certificate)
{
    std::vector<std::string> names;
    auto *all = static_cast<GENERAL_NAMES *>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS)
            continue;
        const std::string text(reinterpret_cast<const char *>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
        names.push_back(lowerCased(text));
    }
    GENERAL_NAMES_free(all);
    return names;
}

void warnOfExpiry(const TlsIdentity &identity)
{
    const int64_t left = identity.expiresMs() - Clock::wallMs();
    if (left <= 0)
        logError("the TLS certificate has expired", {{"expired", rfc3339(identity.expiresMs())}});
    else if (left < noticeMs)
        logWarn("the TLS certificate expires soon", {{"expires", rfc3339(identity.expiresMs())}});
}

} // namespace

TlsIdentity::~TlsIdentity()
{
    SSL_CTX_free(m_context);
}

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::load(const TlsConfig &config)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return tlsError("TLS cannot be set up", "TLS_CERT_FILE");
    const std::shared_ptr<TlsIdentity> identity(new TlsIdentity(context));
    SSL_CTX_set_min_proto_version(context, config.minVersion == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF
                                     | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Idle sessions hold no buffers; what is written may move and may go out in parts.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_read_ahead(context, 1); // one system call a record instead of two: head and body of it
    // An encrypted key would ask on the terminal, and stand there.
    SSL_CTX_set_default_passwd_cb(context, [](char *, int, int, void *) { return 0; });
    SSL_CTX_set_alpn_select_cb(context, &chooseProtocol, nullptr);
    static constexpr unsigned char sessionContext[] = "llm-proxy";
    SSL_CTX_set_session_id_context(context, sessionContext, sizeof sessionContext - 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // resumed by ticket: no state here
    SSL_CTX_set_dh_auto(context, 1);
    if (SSL_CTX_set1_groups_list(context, intermediateGroups) != 1)
        return tlsError("the key exchange groups cannot be set", "TLS_CERT_FILE");
    if (SSL_CTX_set_cipher_list(context, config.ciphers.empty() ? intermediateCiphers : config.ciphers.c_str()) != 1)
        return tlsError("no cipher of the list is known", "TLS_CIPHERS");
    if (SSL_CTX_use_certificate_chain_file(context, config.certFile.c_str()) != 1)
        return tlsError("the file holds no PEM certificate that can be read", "TLS_CERT_FILE");
    if (SSL_CTX_use_PrivateKey_file(context, config.keyFile.c_str(), SSL_FILETYPE_PEM) != 1)
        return tlsError("the file holds no PEM key that can be read, or not the certificate's", "TLS_KEY_FILE");
    if (SSL_CTX_check_private_key(context) != 1)
        return tlsError("the key is not the certificate's", "TLS_KEY_FILE");
    X509 *certificate = SSL_CTX_get0_certificate(context);
    identity->m_names = dnsNames(certificate);
    identity->m_expiresMs = msOf(X509_get0_notAfter(certificate));
    return std::shared_ptr<const TlsIdentity>(identity);
}

SSL *TlsIdentity::newSession(int fd) const
{
    SSL *session = SSL_new(m_context);
    if (session) {
        SSL_set_fd(session, fd);
        SSL_set_accept_state(session);
    }
    return session;
}

bool TlsIdentity::names(std::string_view host) const
{
    return std::any_of(m_names.begin(), m_names.end(), [host](const std::string &name) {
        if (name.size() > 2 && name.starts_with("*.")) {
            const size_t dot = host.find('.');
            return dot != std::string_view::npos && dot > 0 && host.substr(dot) == std::string_view(name).substr(1);
        }
        return name == host;
    });
}

TlsContext::TlsContext(TlsConfig config) : m_config(std::move(config)), m_ticketsSinceUs(Clock::steadyUs())
{
}

Result<std::unique_ptr<TlsContext>> TlsContext::create(TlsConfig config)
{
    std::unique_ptr<TlsContext> context(new TlsContext(std::move(config)));
    context->m_seen = context->fingerprint();
    auto identity = TlsIdentity::load(context->m_config);
    if (!identity)
        return identity.error();
    warnOfExpiry(**identity);
    context->m_identity = std::move(*identity);
    return context;
}

std::shared_ptr<const TlsIdentity> TlsContext::current() const
{
    const std::lock_guard guard(m_lock);
    return m_identity;
}

std::string TlsContext::fingerprint() const
{
    std::string text;
    for (const std::string &path : {m_config.certFile, m_config.keyFile}) {
        struct stat info{};
        if (stat(path.c_str(), &info) != 0)
            return {};
        text += std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "."
                + std::to_string(info.st_mtim.tv_nsec) + " ";
    }
    return text;
}

void TlsContext::reload(bool always)
{
    const std::string now = fingerprint();
    // Who gets hold of a ticket key reads every TLS 1.2 session that it sealed.
    const bool newTickets = Clock::steadyUs() - m_ticketsSinceUs > dayMs * 1000;
    if (!always && now == m_seen && !newTickets)
        return;
    m_seen = now;
    auto identity = TlsIdentity::load(m_config);
    if (!identity) {
        logError("the TLS certificate cannot be loaded again; the old one stays", {{"setting", identity.error().field}, {"why", identity.error().message}});
        return;
    }
    // A client of the old one may resume with the new one: same keys for the tickets.
    if (newTickets) {
        m_ticketsSinceUs = Clock::steadyUs();
    } else {
        std::array<unsigned char, 80> keys{};
        SSL_CTX_get_tlsext_ticket_keys(current()->m_context, keys.data(), keys.size());
        SSL_CTX_set_tlsext_ticket_keys((*identity)->m_context, keys.data(), keys.size());
        OPENSSL_cleanse(keys.data(), keys.size());
    }
    warnOfExpiry(**identity);
    {
        const std::lock_guard guard(m_lock);
        m_identity = std::move(*identity);
    }
    logInfo("the TLS certificate was loaded again", {{"expires", rfc3339(current()->expiresMs())}});
}

} // namespace llmproxy
