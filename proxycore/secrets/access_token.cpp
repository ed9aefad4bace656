// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/access_token.h"

#include "base/ascii.h"
#include "base/random.h"

#include <algorithm>
#include <cstdlib>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string>
#include <zlib.h>

namespace llmproxy {

namespace {

constexpr std::string_view prefix = "tok-";
constexpr size_t randomSize = 32;
constexpr size_t checkSize = 6; // 62^6 > 2^32
constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::array<char, checkSize> checkOf(std::string_view random)
{
    auto sum = static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef *>(random.data()), static_cast<uInt>(random.size())));
    std::array<char, checkSize> digits{};
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        *digit = alphabet[sum % alphabet.size()];
        sum /= static_cast<uint32_t>(alphabet.size());
    }
    return digits;
}

} // namespace

Secret generateAccessToken()
{
    std::string random = randomBase62(randomSize);
    std::array<char, prefix.size() + randomSize + checkSize> token{};
    auto end = std::copy(prefix.begin(), prefix.end(), token.begin());
    end = std::copy(random.begin(), random.end(), end);
    const auto check = checkOf(random);
    std::copy(check.begin(), check.end(), end);
    wipe(random.data(), random.size());
    Secret secret(std::string_view(token.data(), token.size()));
    wipe(token.data(), token.size());
    return secret;
}

bool isWellFormedAccessToken(std::string_view token)
{
    if (token.size() != prefix.size() + randomSize + checkSize || !token.starts_with(prefix))
        return false;
    const std::string_view random = token.substr(prefix.size(), randomSize);
    if (!std::all_of(random.begin(), random.end(), isAsciiAlnum)) // the alphabet
        return false;
    const auto check = checkOf(random);
    return std::equal(check.begin(), check.end(), token.end() - checkSize);
}

AccessTokenHasher::AccessTokenHasher(const Secret &hashKey)
{
    // Fetched once: looking an algorithm up takes longer than the hash itself, and so does setting the key.
    static EVP_MAC *const hmac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    const std::string_view key = hashKey.reveal();
    m_context = EVP_MAC_CTX_new(hmac);
    // An empty or wrong hash would match nobody, or everybody: there is no going on without it.
    if (!m_context || key.empty()
        || EVP_MAC_init(m_context, reinterpret_cast<const unsigned char *>(key.data()), key.size(), parameters) != 1)
        std::abort();
}

AccessTokenHasher::~AccessTokenHasher()
{
    EVP_MAC_CTX_free(m_context); // cleanses the key
}

std::array<unsigned char, 32> AccessTokenHasher::hash(std::string_view token) const
{
    std::array<unsigned char, 32> hash{};
    size_t size = 0;
    if (EVP_MAC_init(m_context, nullptr, 0, nullptr) != 1
        || EVP_MAC_update(m_context, reinterpret_cast<const unsigned char *>(token.data()), token.size()) != 1
        || EVP_MAC_final(m_context, hash.data(), &size, hash.size()) != 1 || size != hash.size())
        std::abort();
    return hash;
}

std::array<unsigned char, 32> hashAccessToken(const Secret &hashKey, std::string_view token)
{
    return AccessTokenHasher(hashKey).hash(token);
}

} // namespace llmproxy
