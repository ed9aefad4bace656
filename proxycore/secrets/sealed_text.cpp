// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/sealed_text.h"

#include "base/random.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <openssl/evp.h>

namespace llmproxy {

namespace {

constexpr std::string_view form = "enc:v1:";
constexpr size_t nonceSize = 12; // NIST SP 800-38D section 5.2.1.1: 96 bits
constexpr size_t tagSize = 16;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char *unsignedBytes(std::string_view bytes)
{
    return reinterpret_cast<const unsigned char *>(bytes.data());
}

Cipher startCipher(bool encrypting, const Secret &key, std::string_view nonce, const std::string &context)
{
    static EVP_CIPHER *const gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    int size = 0;
    const int encrypt = encrypting ? 1 : 0;
    // Never seal with half a key: that is a fault of ours, not of any input.
    if (!gcm || !cipher || key.size() != sealingKeyBytes
        || EVP_CipherInit_ex2(cipher.get(), gcm, unsignedBytes(key.reveal()), unsignedBytes(nonce), encrypt, nullptr) != 1
        || EVP_CipherUpdate(cipher.get(), nullptr, &size, unsignedBytes(context), static_cast<int>(context.size())) != 1)
        std::abort();
    return cipher;
}

} // namespace

std::string toBase64(std::string_view bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char *>(text.data()), unsignedBytes(bytes),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<size_t>(size));
    return text;
}

std::optional<Secret> fromBase64(std::string_view text)
{
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.empty() || text.size() % 4 != 0)
        return {};
    const size_t bodySize = text.substr(text.size() - 2).starts_with("==") ? text.size() - 2
                            : text.ends_with('=')                          ? text.size() - 1
                                                                           : text.size();
    if (text.substr(0, bodySize).find_first_not_of(alphabet) != text.npos)
        return {};
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(bytes.data()), unsignedBytes(text),
                                     static_cast<int>(text.size()));
    std::optional<Secret> decoded;
    if (size >= 0) // counts the padding as bytes
        decoded.emplace(std::string_view(bytes).substr(0, static_cast<size_t>(size) - (text.size() - bodySize)));
    wipe(bytes.data(), bytes.size());
    return decoded;
}

std::string sealingContext(std::string_view keyId, std::string_view type, std::string_view id, std::string_view field)
{
    std::string context = "llm-proxy";
    for (const std::string_view part : {keyId, type, id, field}) {
        const auto size = static_cast<uint32_t>(part.size());
        for (int shift = 24; shift >= 0; shift -= 8)
            context += static_cast<char>(size >> shift & 0xff);
        context += part;
    }
    return context;
}

std::string sealText(const Secret &key, std::string_view keyId, std::string_view plain, const std::string &context)
{
    std::string bytes(nonceSize + plain.size() + tagSize, '\0');
    randomBytes(bytes.data(), nonceSize);
    const Cipher cipher = startCipher(true, key, std::string_view(bytes).substr(0, nonceSize), context);
    auto *out = reinterpret_cast<unsigned char *>(bytes.data()) + nonceSize;
    int size = 0;
    int rest = 0;
    if (EVP_CipherUpdate(cipher.get(), out, &size, unsignedBytes(plain), static_cast<int>(plain.size())) != 1
        || EVP_CipherFinal_ex(cipher.get(), out + size, &rest) != 1
        || EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, tagSize, out + plain.size()) != 1)
        std::abort();
    std::string sealed(form);
    sealed.append(keyId).append(":").append(toBase64(bytes));
    return sealed;
}

std::optional<Secret> openText(const Secret &key, std::string_view keyId, std::string_view sealed,
                               const std::string &context)
{
    if (!sealed.starts_with(form))
        return {};
    sealed.remove_prefix(form.size());
    const size_t colon = sealed.find(':');
    if (colon == sealed.npos || sealed.substr(0, colon) != keyId)
        return {};
    const auto decoded = fromBase64(sealed.substr(colon + 1));
    if (!decoded || decoded->size() < nonceSize + tagSize)
        return {};
    if (toBase64(decoded->reveal()) != sealed.substr(colon + 1)) // RFC 4648 section 3.5: one text for one ciphertext
        return {};
    const std::string_view bytes = decoded->reveal();
    const std::string_view body = bytes.substr(nonceSize, bytes.size() - nonceSize - tagSize);
    std::string tag(bytes.substr(bytes.size() - tagSize));
    const Cipher cipher = startCipher(false, key, bytes.substr(0, nonceSize), context);
    std::string plain(body.size() + tagSize, '\0');
    auto *out = reinterpret_cast<unsigned char *>(plain.data());
    int size = 0;
    int rest = 0;
    std::optional<Secret> opened;
    if (EVP_CipherUpdate(cipher.get(), out, &size, unsignedBytes(body), static_cast<int>(body.size())) == 1
        && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tagSize, tag.data()) == 1
        && EVP_CipherFinal_ex(cipher.get(), out + size, &rest) == 1)
        opened.emplace(std::string_view(plain).substr(0, body.size()));
    wipe(plain.data(), plain.size());
    return opened;
}

} // namespace llmproxy
