// SPDX-License-Identifier: GPL-3.0-only
// What is stored about projects and access tokens. Plain values; times are wall-clock milliseconds
// since 1970 UTC, 0 = not set. Thread: values.
#pragma once

#include <QByteArray>
#include <QString>
#include <QStringList>
#include <cstdint>
#include <optional>
#include <vector>

namespace llmproxy {

struct ProviderKey
{
    QString provider;        // profile name, e.g. "openai"
    QString baseUrl;         // empty: the profile's
    QString sealedKey;       // "enc:v1:…" (secrets/key_ring.h); empty when a reference is used, or no key
    QString reference;       // "env:NAME" or "file:/path"; never stored resolved
    QString masked;          // masked form of a stored value; of a reference: the reference itself
    int64_t keySetMs = 0;    // for api_key_age_days
    QString sealedUrl;       // the base URL the key was given for (access/key_binding.h); empty without a key
    std::optional<bool> versionSegment = {}; // whether the paths at baseUrl have one ("/v1"); not set: baseUrl shows it
};

struct Project
{
    QString id;              // "proj-" + 12 base62, or [A-Za-z0-9_-]{1,64}
    QString name;
    QString environment;     // development, test, production; "testing" is stored as "test"
    bool active = true;
    bool deleted = false;    // hidden, keys forgotten
    QStringList allowedModels;
    std::vector<ProviderKey> providers; // at least one; the first is the preferred
    int64_t createdMs = 0;
    int64_t updatedMs = 0;
    int64_t deactivatedMs = 0;
};

// What is asked of a token at each request.
struct TokenTerms
{
    int64_t createdMs = 0;
    int64_t expiresMs = 0;
    int64_t lifetimeMs = 0;  // what the first of the lineage was given; a successor gets the same from now
    int64_t revokedMs = 0;
    int64_t graceUntilMs = 0; // refreshed: new requests only until then
    int64_t maxRequests = 0;  // 0: unlimited
    int rateLimit = 0;        // requests per minute, 0: none
    int maxConcurrent = 0;    // 0: unlimited

    bool liveAt(int64_t nowMs) const
    {
        return endsMs() > nowMs;
    }
    // When it ends, or 0: it was revoked.
    int64_t endsMs() const
    {
        if (revokedMs != 0)
            return 0;
        return graceUntilMs == 0 || graceUntilMs > expiresMs ? expiresMs : graceUntilMs;
    }
};

struct Token : TokenTerms
{
    QString id;              // UUIDv4
    QString lineage;         // UUIDv4 of the first token of a refresh chain; counters belong to it
    QString projectId;
    QByteArray hash;         // 32 bytes, HMAC-SHA-256 of the token (secrets/token_hash.h)
    QString hashAlg;         // "hmac-sha256-v1"
    QString masked;          // tok-1234****cdef
    QString name;
    QString note;
    QStringList allowedModels;    // globs
    QStringList allowedEndpoints; // globs on the path
    QStringList allowedIps;       // CIDR
};

} // namespace llmproxy
