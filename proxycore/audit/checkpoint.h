// SPDX-License-Identifier: GPL-3.0-only
// Signed checkpoints (Ed25519, RFC 8032): a chained line that says by whom the chain up to a seq was written. Whoever can
// write the file can compute its hashes again, but not this. Thread: immutable.
#pragma once

#include "audit/event.h"
#include "secrets/secret.h"

#include <cstdint>
#include <map>
#include <memory>
#include <openssl/evp.h>
#include <optional>
#include <string>
#include <string_view>

namespace llmproxy {


// Without reading its JSON.
bool isCheckpointLine(std::string_view line);

using PublicKey = std::shared_ptr<EVP_PKEY>;

class CheckpointKey
{
public:
    static CheckpointKey create();
    // The 32 bytes that privateBytes() gave.
    static std::optional<CheckpointKey> open(const Secret &privateBytes);

    Secret privateBytes() const;
    const std::string &id() const { return m_id; } // 16 hex of the public key's SHA-256
    std::string publicPem() const;
    // The chained line that says the chain up to this seq, which has this hash, is ours. Without seq.
    AuditEvent checkpoint(int64_t toSeq, const std::string &toHash) const;
    // Of any other text of ours (base64); purpose keeps it from being valid for anything else.
    std::string sign(std::string_view purpose, std::string_view text) const;
    // The line that says that what was up to this seq may be gone from the table.
    AuditEvent retention(int64_t toSeq, const std::string &toHash) const;

private:
    AuditEvent signedEvent(std::string_view purpose, int64_t toSeq, const std::string &toHash) const;
    explicit CheckpointKey(PublicKey key);
    PublicKey m_key; // with its private half
    std::string m_id;
};

// The public keys that checkpoints may be signed with.
class CheckpointKeys
{
public:
    // False: not an Ed25519 public key in PEM.
    bool add(std::string_view pem);
    bool isEmpty() const { return m_keys.empty(); }

    enum class Verdict { Good, Bad, UnknownKey };
    // Of an audit.checkpoint event; whether its to_hash is the chain's is the caller's to see.
    Verdict check(const AuditEvent &checkpoint) const;
    // Of what sign() gave.
    Verdict check(std::string_view purpose, std::string_view text, std::string_view keyId, std::string_view signature) const;

private:
    std::map<std::string, PublicKey, std::less<>> m_keys;
};

} // namespace llmproxy
