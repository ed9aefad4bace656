// SPDX-License-Identifier: GPL-3.0-only
// A provider's key, or the reference to it, is kept with the base URL that it was given for (ruling 50), sealed together with it: a
// row whose base_url was edited or rolled back in the database does not send the key elsewhere. Thread: any.
#pragma once

#include "access/records.h"
#include "secrets/key_ring.h"

#include <optional>
#include <string>

namespace llmproxy {

// Is there anything to be bound?
inline bool hasKey(const ProviderKey &key)
{
    return !key.sealedKey.isEmpty() || !key.reference.isEmpty();
}

// Binds the key to the base URL that the record has now; without a key, nothing is bound.
void bindKey(ProviderKey &key, const QString &projectId, const KeyRing &keys);
// The base URL that the key was given for, empty: the profile's own; nullopt: it is not bound to any, and must not be sent.
std::optional<std::string> boundUrlOf(const ProviderKey &key, const QString &projectId, const KeyRing &keys);

} // namespace llmproxy
