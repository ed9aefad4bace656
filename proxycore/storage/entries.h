// SPDX-License-Identifier: GPL-3.0-only
// Stored records → what the snapshot holds: provider keys opened, lists as the data path reads them.
// References are peeked at: nobody waits for their sources. Thread: any.
#pragma once

#include "access/snapshot.h"
#include "secrets/key_ring.h"
#include "secrets/secret_cache.h"
#include "storage/access_rows.h"

#include <memory>
#include <set>
#include <string>

namespace llmproxy {

// A key that cannot be opened or read marks its provider, never more.
ProjectPtr makeProjectEntry(const Project &project, const KeyRing &keys, SecretCache &secrets);
// Null when the stored hash is damaged.
TokenPtr makeTokenEntry(const Token &token, std::shared_ptr<LineageState> state);
std::shared_ptr<TokenEntry> makeTokenEntry(const TokenRow &row); // no state yet

// The references of all projects that are not deleted.
std::set<std::string> referencesOf(const Snapshot &snapshot);
// Puts what the cache says now of these references into the snapshot; false: nothing of it changed.
bool updateReferences(Snapshot &snapshot, const std::set<std::string> &references, SecretCache &secrets);

} // namespace llmproxy
