// SPDX-License-Identifier: GPL-3.0-only
// A credential that is only ever compared: the HMAC-SHA-256 of its SHA-256 under a key of this process. Who reads the process's memory finds
// nothing that would be let in. Thread: immutable after construction.
#pragma once

#include "secrets/secret.h"

#include <string>
#include <string_view>

namespace llmproxy {

class CredentialDigest
{
public:
    CredentialDigest() = default; // matches nothing
    explicit CredentialDigest(const Secret &credential);
    // Of one that is known by its SHA-256 alone, 64 hex digits.
    static CredentialDigest ofHash(const std::string &sha256Hex);
    bool isEmpty() const { return m_digest.isEmpty(); }
    // In a time that depends on the other's length only.
    bool matches(std::string_view other) const;

private:
    Secret m_key, m_digest;
};

} // namespace llmproxy
