// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/key_ring.h"

#include "base/random.h"
#include "secrets/sealed_text.h"

#include <array>

namespace llmproxy {

namespace {

// The master key has no id of its own: the key check says whether it is the right one.
constexpr std::string_view masterId = "master";
// The second one is of databases whose stored keys are bound to their base URLs.
constexpr std::string_view unboundConstant = "llm-proxy master key", checkConstant = "llm-proxy master key, bound keys";

Secret randomKey()
{
    std::array<char, sealingKeyBytes> bytes{};
    randomBytes(bytes.data(), bytes.size());
    Secret key(std::string_view(bytes.data(), bytes.size()));
    wipe(bytes.data(), bytes.size());
    return key;
}

std::string newKeyId()
{
    return randomUuid().substr(0, 8);
}

std::string keyContext(std::string_view id, std::string_view field)
{
    return sealingContext(masterId, "key_ring", id, field);
}

std::string sourceClass(const std::string &source)
{
    return source.substr(0, source.find(':'));
}

Error unusable(std::string message)
{
    return {ErrorKind::Unavailable, "encryption_key", std::move(message), "ENCRYPTION_KEY"};
}

std::optional<Secret> openKey(const Secret &master, const std::string &wrapped, const std::string &context)
{
    auto key = openText(master, masterId, wrapped, context);
    return key && key->size() == sealingKeyBytes ? std::move(key) : std::nullopt;
}

} // namespace

KeyRing KeyRing::create(const MasterKey &master)
{
    KeyRing ring;
    ring.m_dataKey = randomKey();
    ring.m_tokenHashKey = randomKey();
    KeyRingRecord &record = ring.m_record;
    record.keySource = sourceClass(master.source);
    record.dataKeyId = newKeyId();
    record.keyCheck = sealText(master.key, masterId, checkConstant, keyContext({}, "key_check"));
    record.wrappedDataKey = sealText(master.key, masterId, ring.m_dataKey.reveal(),
                                     keyContext(record.dataKeyId, "data_key"));
    record.wrappedTokenHashKey = sealText(master.key, masterId, ring.m_tokenHashKey.reveal(),
                                          keyContext({}, "token_hash_key"));
    return ring;
}

namespace {

// None: the key is another one.
std::optional<Secret> openedCheck(const MasterKey &master, const KeyRingRecord &record)
{
    auto check = openText(master.key, masterId, record.keyCheck, keyContext({}, "key_check"));
    return check && (check->equals(checkConstant) || check->equals(unboundConstant)) ? std::move(check) : std::nullopt;
}

} // namespace

bool KeyRing::fits(const MasterKey &master, const KeyRingRecord &record)
{
    return openedCheck(master, record).has_value();
}

Result<KeyRing> KeyRing::open(const MasterKey &master, const KeyRingRecord &record)
{
    const auto check = openedCheck(master, record);
    if (!check)
        return unusable("The encryption key in " + settingOfSource(master.source) + " is not the one that this database was made with"
                        + (sourceClass(master.source) == record.keySource ? std::string() : ", which was in " + settingOfSource(record.keySource))
                        + ". Set that key again; nothing was changed.");
    if (sourceClass(master.source) != record.keySource)
        return unusable("The encryption key is in " + settingOfSource(master.source) + ", and was in " + settingOfSource(record.keySource)
                        + " when this database was made. Set it there; moving it is not available yet in this version.");
    auto dataKey = openKey(master.key, record.wrappedDataKey, keyContext(record.dataKeyId, "data_key"));
    if (!dataKey)
        return unusable("The wrapped data key in the database is damaged. Restore the database from a backup.");
    auto hashKey = openKey(master.key, record.wrappedTokenHashKey, keyContext({}, "token_hash_key"));
    if (!hashKey) // ruling 26: no valid token is ever answered 401 for it
        return unusable("The sealed token-hash key in the database is damaged. Restore the database from a backup.");
    KeyRing ring;
    ring.m_record = record;
    ring.m_envFile = master.envFile;
    if (!check->equals(checkConstant))
        ring.m_nextKeyCheck = sealText(master.key, masterId, checkConstant, keyContext({}, "key_check"));
    ring.m_dataKey = std::move(*dataKey);
    ring.m_tokenHashKey = std::move(*hashKey);
    return ring;
}

std::string KeyRing::seal(const Secret &plain, std::string_view type, std::string_view id, std::string_view field) const
{
    return sealText(m_dataKey, m_record.dataKeyId, plain.reveal(), sealingContext(m_record.dataKeyId, type, id, field));
}

Result<Secret> KeyRing::unseal(const std::string &sealed, std::string_view type, std::string_view id,
                               std::string_view field) const
{
    auto plain = openText(m_dataKey, m_record.dataKeyId, sealed, sealingContext(m_record.dataKeyId, type, id, field));
    if (!plain)
        return Error{ErrorKind::Unavailable, "needs_key_again", "The stored key cannot be opened; enter it again.",
                     std::string(field)};
    return std::move(*plain);
}

} // namespace llmproxy
