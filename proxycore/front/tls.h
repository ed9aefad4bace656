// SPDX-License-Identifier: GPL-3.0-only
// The server's side of TLS: certificate, versions, ciphers, session tickets, and their exchange while the server runs.
// TLS 1.2 and 1.3 with the suites of Mozilla's intermediate configuration (ssl-config.mozilla.org, 5.7).
// Thread: TlsContext is shared by all engine threads; what it hands out is immutable.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <openssl/types.h>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct TlsConfig
{
    std::string certFile, keyFile; // PEM; the certificate first, then its chain
    std::string minVersion = "1.2"; // or 1.3
    std::string ciphers;            // of TLS 1.2; empty: Mozilla intermediate
};

// One loaded certificate.
class TlsIdentity
{
public:
    ~TlsIdentity();
    TlsIdentity(const TlsIdentity &) = delete;
    TlsIdentity &operator=(const TlsIdentity &) = delete;

    // Error.field names TLS_CERT_FILE, TLS_KEY_FILE or TLS_CIPHERS.
    static Result<std::shared_ptr<const TlsIdentity>> load(const TlsConfig &config);
    SSL *newSession(int fd) const; // the server's end; the caller frees it
    // Whether the certificate names this host (lower case); "*.example.com" stands for one label.
    bool names(std::string_view host) const;
    int64_t expiresMs() const { return m_expiresMs; }

private:
    friend class TlsContext;
    explicit TlsIdentity(SSL_CTX *context) : m_context(context) {}

    SSL_CTX *m_context;
    std::vector<std::string> m_names;
    int64_t m_expiresMs = 0;
};

class TlsContext
{
public:
    static Result<std::unique_ptr<TlsContext>> create(TlsConfig config);

    std::shared_ptr<const TlsIdentity> current() const;
    // Loads the files again when they changed (or always); open connections go on with what they have, sessions can still
    // be resumed, for a day: then the keys of the tickets change. What cannot be loaded is logged once, and the old certificate stays. Thread: one.
    void reload(bool always);

private:
    explicit TlsContext(TlsConfig config);
    // Modification times, sizes and inodes of both files.
    std::string fingerprint() const;

    const TlsConfig m_config;
    mutable std::mutex m_lock;
    std::shared_ptr<const TlsIdentity> m_identity;
    std::string m_seen;
    int64_t m_ticketsSinceUs;
};

} // namespace llmproxy
