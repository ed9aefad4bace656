// SPDX-License-Identifier: GPL-3.0-only
// Stored records → what the snapshot holds: provider keys opened, lists as the data path reads them.
// Thread: any; may read the source of a reference.
#pragma once

#include "access/snapshot.h"
#include "secrets/key_ring.h"
#include "secrets/references.h"
#include "storage/access_rows.h"

#include <memory>

namespace llmproxy {

// A key that cannot be opened or read marks its provider, never more.
ProjectPtr makeProjectEntry(const Project &project, const KeyRing &keys, ReferenceResolver &references);
// Null when the stored hash is damaged.
TokenPtr makeTokenEntry(const Token &token, std::shared_ptr<LineageState> state);
std::shared_ptr<TokenEntry> makeTokenEntry(const TokenRow &row); // no state yet

// The key of a reference in a project, as it is now. Null: not to be had.
struct ReferenceValue
{
    std::string projectId;
    std::string provider;
    std::string reference;
    SharedSecret key;
};
// Resolves all references of the snapshot; only those that are not the snapshot's any more.
std::vector<ReferenceValue> changedReferences(const Snapshot &snapshot, ReferenceResolver &references);
// Null when the project does not hold that reference any more.
ProjectPtr withReferenceValue(const Snapshot &snapshot, const ReferenceValue &value);

} // namespace llmproxy
