// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/credential_digest.h"

#include "base/random.h"
#include "base/sha256.h"
#include "secrets/access_token.h"

#include <array>

namespace llmproxy {

namespace {

Secret digestOf(const Secret &key, std::string_view credential)
{
    auto digest = hashAccessToken(key, credential); // HMAC-SHA-256, whatever the credential's form
    Secret kept(std::string_view(reinterpret_cast<const char *>(digest.data()), digest.size()));
    wipe(digest.data(), digest.size());
    return kept;
}

Secret processKey()
{
    std::array<char, 32> bytes{};
    randomBytes(bytes.data(), bytes.size());
    Secret key(std::string_view(bytes.data(), bytes.size()));
    wipe(bytes.data(), bytes.size());
    return key;
}

} // namespace

CredentialDigest::CredentialDigest(const Secret &credential)
{
    if (!credential.isEmpty())
        *this = ofHash(Sha256Hex().hash(credential.reveal()));
}

CredentialDigest CredentialDigest::ofHash(const std::string &sha256Hex)
{
    CredentialDigest made;
    made.m_key = processKey();
    made.m_digest = digestOf(made.m_key, sha256Hex);
    return made;
}

bool CredentialDigest::matches(std::string_view other) const
{
    return !isEmpty() && digestOf(m_key, Sha256Hex().hash(other)).equals(m_digest.reveal());
}

} // namespace llmproxy
