// SPDX-License-Identifier: GPL-3.0-only
#include "server_identity.h"

#include "base/curl_handles.h"
#include "output.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace llmproxy {

namespace {

size_t dropBytes(char *, size_t size, size_t count, void *)
{
    return size * count;
}

CURLcode lookAt(CURL *handle, const std::string &url, const Settings &settings, bool verify)
{
    curl_easy_setopt(handle, CURLOPT_URL, (url + "/health").c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(handle, CURLOPT_PROXY, settings.httpsProxy.c_str());
    curl_easy_setopt(handle, CURLOPT_NOPROXY, settings.noProxy.c_str());
    if (!settings.sslCertFile.empty())
        curl_easy_setopt(handle, CURLOPT_CAINFO, settings.sslCertFile.c_str());
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 10'000L);
    curl_easy_setopt(handle, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, dropBytes);
    return curl_easy_perform(handle);
}

// RFC 7469 section 2.4: SHA-256 of the SubjectPublicKeyInfo.
QString pinOf(std::string_view pem)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    if (!certificate)
        return {};
    unsigned char *der = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    if (length <= 0)
        return {};
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(der, static_cast<size_t>(length), hash, &size, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    const QByteArray bytes(reinterpret_cast<const char *>(hash), static_cast<qsizetype>(size));
    return QStringLiteral("sha256//") + QString::fromLatin1(bytes.toBase64());
}

void describe(CURL *handle, ui::ServerIdentity &identity)
{
    curl_certinfo *info = nullptr;
    if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &info) != CURLE_OK || !info || info->num_of_certs == 0)
        return;
    for (const curl_slist *line = info->certinfo[0]; line; line = line->next) {
        const std::string_view text(line->data);
        const auto value = [&](std::string_view name, QString &into) {
            if (text.starts_with(name))
                into = fromText(std::string(text.substr(name.size())));
        };
        value("Subject:", identity.subject);
        value("Issuer:", identity.issuer);
        value("Expire date:", identity.expires);
        if (text.starts_with("Cert:"))
            identity.pin = pinOf(text.substr(5));
    }
}

} // namespace

ui::ServerIdentity identifyServer(const std::string &url, const Settings &settings)
{
    ui::ServerIdentity identity;
    const CurlHandle trusting(curl_easy_init());
    const CURLcode strict = lookAt(trusting.get(), url, settings, true);
    identity.isTrusted = strict == CURLE_OK;
    if (!identity.isTrusted)
        identity.problem = fromText(curl_easy_strerror(strict));
    const CurlHandle handle(curl_easy_init());
    identity.isReachable = lookAt(handle.get(), url, settings, false) == CURLE_OK;
    if (identity.isReachable)
        describe(handle.get(), identity);
    return identity;
}

} // namespace llmproxy
