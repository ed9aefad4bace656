// SPDX-License-Identifier: GPL-3.0-only
#include "audit/checkpoint.h"

#include "base/sha256.h"

#include <QByteArray>
#include <cstdlib>
#include <openssl/bio.h>
#include <openssl/pem.h>

namespace llmproxy {

namespace {

constexpr size_t ed25519KeyBytes = 32;

// What is signed. The first line keeps the signature from being valid for anything else.
std::string messageOf(std::string_view purpose, const std::string &text)
{
    return "llm-proxy audit " + std::string(purpose) + " 1\n" + text;
}

std::string messageOf(std::string_view purpose, int64_t toSeq, std::string_view toHash)
{
    return messageOf(purpose, std::to_string(toSeq) + "\n" + std::string(toHash) + "\n");
}

std::string publicBytes(EVP_PKEY *key)
{
    std::string bytes(ed25519KeyBytes, '\0');
    size_t size = bytes.size();
    if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char *>(bytes.data()), &size) != 1 || size != ed25519KeyBytes)
        std::abort();
    return bytes;
}

std::string idOf(EVP_PKEY *key)
{
    return Sha256Hex().hash(publicBytes(key)).substr(0, 16);
}

PublicKey shared(EVP_PKEY *key)
{
    return PublicKey(key, EVP_PKEY_free);
}

std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> newContext()
{
    return {EVP_MD_CTX_new(), EVP_MD_CTX_free};
}

// Base64.
std::string signatureOf(EVP_PKEY *key, const std::string &message)
{
    unsigned char signature[64];
    size_t size = sizeof signature;
    const auto context = newContext();
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1
        || EVP_DigestSign(context.get(), signature, &size, reinterpret_cast<const unsigned char *>(message.data()), message.size()) != 1)
        std::abort();
    return QByteArray(reinterpret_cast<const char *>(signature), static_cast<qsizetype>(size)).toBase64().toStdString();
}

bool isSignedBy(EVP_PKEY *key, const std::string &message, std::string_view base64)
{
    const QByteArray signature = QByteArray::fromBase64(QByteArray(base64.data(), static_cast<qsizetype>(base64.size())));
    const auto context = newContext();
    return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1
        && EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char *>(signature.data()), static_cast<size_t>(signature.size()),
                            reinterpret_cast<const unsigned char *>(message.data()), message.size()) == 1;
}

} // namespace

bool isCheckpointLine(std::string_view line)
{
    return line.find("\"action\":\"audit.checkpoint\"") != line.npos;
}

CheckpointKey::CheckpointKey(PublicKey key) : m_key(std::move(key)), m_id(idOf(m_key.get())) {}

CheckpointKey CheckpointKey::create()
{
    EVP_PKEY *const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    if (!key)
        std::abort(); // no randomness, or no OpenSSL
    return CheckpointKey(shared(key));
}

std::optional<CheckpointKey> CheckpointKey::open(const Secret &privateBytes)
{
    const std::string_view bytes = privateBytes.reveal();
    EVP_PKEY *const key = bytes.size() == ed25519KeyBytes
        ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()) : nullptr;
    if (!key)
        return {};
    return CheckpointKey(shared(key));
}

Secret CheckpointKey::privateBytes() const
{
    unsigned char bytes[ed25519KeyBytes];
    size_t size = sizeof bytes;
    if (EVP_PKEY_get_raw_private_key(m_key.get(), bytes, &size) != 1 || size != ed25519KeyBytes)
        std::abort();
    Secret secret(std::string_view(reinterpret_cast<const char *>(bytes), size));
    OPENSSL_cleanse(bytes, sizeof bytes);
    return secret;
}

std::string CheckpointKey::publicPem() const
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    if (!memory || PEM_write_bio_PUBKEY(memory.get(), m_key.get()) != 1)
        std::abort();
    char *text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return std::string(text, static_cast<size_t>(size));
}

AuditEvent CheckpointKey::checkpoint(int64_t toSeq, const std::string &toHash) const
{
    return signedEvent("checkpoint", toSeq, toHash);
}

AuditEvent CheckpointKey::retention(int64_t toSeq, const std::string &toHash) const
{
    AuditEvent event = signedEvent("retention", toSeq, toHash);
    event.ownText("purpose", "retention");
    return event;
}

std::string CheckpointKey::sign(std::string_view purpose, std::string_view text) const
{
    return signatureOf(m_key.get(), messageOf(purpose, std::string(text)));
}

AuditEvent CheckpointKey::signedEvent(std::string_view purpose, int64_t toSeq, const std::string &toHash) const
{
    AuditEvent event(Action::AuditCheckpoint, "system", "success");
    event.details = {{"to_seq", toSeq}, {"to_hash", toHash}, {"key_id", m_id}, {"signature", signatureOf(m_key.get(), messageOf(purpose, toSeq, toHash))}};
    return event;
}

bool CheckpointKeys::add(std::string_view pem)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    EVP_PKEY *const read = memory ? PEM_read_bio_PUBKEY(memory.get(), nullptr, nullptr, nullptr) : nullptr;
    if (!read)
        return false;
    PublicKey key = shared(read);
    if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
        return false;
    std::string id = idOf(key.get());
    m_keys[std::move(id)] = std::move(key);
    return true;
}

CheckpointKeys::Verdict CheckpointKeys::check(const AuditEvent &checkpoint) const
{
    const auto key = m_keys.find(checkpoint.text("key_id"));
    if (key == m_keys.end())
        return Verdict::UnknownKey;
    const auto toSeq = checkpoint.number("to_seq");
    if (!toSeq)
        return Verdict::Bad;
    const std::string message = messageOf(checkpoint.text("purpose").empty() ? "checkpoint" : checkpoint.text("purpose"), *toSeq, checkpoint.text("to_hash"));
    return isSignedBy(key->second.get(), message, checkpoint.text("signature")) ? Verdict::Good : Verdict::Bad;
}

CheckpointKeys::Verdict CheckpointKeys::check(std::string_view purpose, std::string_view text, std::string_view keyId, std::string_view signature) const
{
    const auto key = m_keys.find(keyId);
    if (key == m_keys.end())
        return Verdict::UnknownKey;
    return isSignedBy(key->second.get(), messageOf(purpose, std::string(text)), signature) ? Verdict::Good : Verdict::Bad;
}

} // namespace llmproxy
