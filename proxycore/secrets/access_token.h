// SPDX-License-Identifier: GPL-3.0-only
// The form of an access token (contract section 4): "tok-" + 32 base62 from the CSPRNG + 6 base62 of the
// CRC-32 (zlib polynomial, of the 32 characters; value in base 62, most significant first, left-padded with '0').
// Thread: any.
#pragma once

#include "secrets/secret.h"

#include <array>
#include <openssl/types.h>
#include <string_view>

namespace llmproxy {

Secret generateAccessToken();
// Form and checksum only: refuses typos without a lookup.
bool isWellFormedAccessToken(std::string_view token);
// HMAC-SHA-256 under the token-hash key, set once. Thread: one each.
class AccessTokenHasher
{
public:
    explicit AccessTokenHasher(const Secret &hashKey);
    ~AccessTokenHasher();
    AccessTokenHasher(const AccessTokenHasher &) = delete;
    AccessTokenHasher &operator=(const AccessTokenHasher &) = delete;
    std::array<unsigned char, 32> hash(std::string_view token) const;

private:
    EVP_MAC_CTX *m_context = nullptr;
};
// The same for a single one.
std::array<unsigned char, 32> hashAccessToken(const Secret &hashKey, std::string_view token);

} // namespace llmproxy
