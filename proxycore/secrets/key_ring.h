// SPDX-License-Identifier: GPL-3.0-only
// Encryption at rest (contract section 7): AES-256-GCM, random 96-bit nonce, text form
// "enc:v1:" + key id + ":" + base64(nonce|ciphertext|tag). A random data key, wrapped by the master key,
// seals the records; the additional data binds record type, id and field. Thread: immutable after open().
#pragma once

#include "base/result.h"
#include "secrets/secret.h"

#include <memory>
#include <string>

namespace llmproxy {

struct MasterKey
{
    Secret key;            // 32 bytes
    std::string source;    // "environment", "file:/path", "generated"
    std::string envFile = {}; // the .env beside the data directory, when it was found there (config/data_key.h)
};

// From ENCRYPTION_KEY, else ENCRYPTION_KEY_FILE (base64 of 32 bytes; permissions must not let others
// read it), else DATA_DIR/encryption.key, made 0600 when neither it nor a database exists.
// mayCreate=false: a missing file is an Error (missingKeyCode). recorded: the source that the database was made with (KeyRingRecord::keySource), which
// the Error names; empty: not known.
Result<MasterKey> loadMasterKey(const Secret &fromEnvironment, const std::string &file,
                                const std::string &dataDir, bool mayCreate, const std::string &recorded = {});
// No source has a key: another place may.
inline constexpr std::string_view missingKeyCode = "encryption_key_missing";
// Where a source is set: "ENCRYPTION_KEY" of "environment", "ENCRYPTION_KEY_FILE" of "file:/path".
std::string settingOfSource(const std::string &source);

// What the database keeps about keys; all values are safe to store.
struct KeyRingRecord
{
    std::string keySource;     // class of source: "environment", "file", "generated"
    std::string keyCheck;      // sealed constant: proves that the master key is the right one
    std::string dataKeyId;     // 8 hex
    std::string wrappedDataKey;
    std::string wrappedTokenHashKey;
};

class KeyRing
{
public:
    // A new ring: data key and token-hash key are random.
    static KeyRing create(const MasterKey &master);
    // Does the key pass the check in the record?
    static bool fits(const MasterKey &master, const KeyRingRecord &record);
    // Error (Unavailable) when the master key does not open the record.
    static Result<KeyRing> open(const MasterKey &master, const KeyRingRecord &record);
    const KeyRingRecord &record() const { return m_record; }
    const std::string &envFile() const { return m_envFile; } // MasterKey::envFile
    // What replaces keyCheck once every stored key is bound to its base URL (access/key_binding.h); empty: it says so already, and a
    // key without a binding is not one of before. It cannot be made without the master key.
    const std::string &nextKeyCheck() const { return m_nextKeyCheck; }

    // aad parts: e.g. "project", id, "openai.api_key"
    std::string seal(const Secret &plain, std::string_view type, std::string_view id, std::string_view field) const;
    Result<Secret> unseal(const std::string &sealed, std::string_view type, std::string_view id, std::string_view field) const;
    const Secret &tokenHashKey() const { return m_tokenHashKey; }

private:
    KeyRingRecord m_record;
    std::string m_nextKeyCheck, m_envFile;
    Secret m_dataKey;
    Secret m_tokenHashKey;
};

} // namespace llmproxy
