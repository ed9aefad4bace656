// SPDX-License-Identifier: GPL-3.0-only
// What a start says of the keys that the update of its database bound to base URLs (storage/key_bindings.h): one event a key, which
// names project, provider and origin. In a database that is older than the audit log they are not left bound: somebody put a copy
// back, and may have edited it. Thread: storage.
#pragma once

#include "access/store.h"
#include "storage/key_bindings.h"

#include <functional>
#include <string>
#include <vector>

namespace llmproxy {

// Of a provider's name and a base URL, empty: its profile's own.
using OriginOf = std::function<std::string(const std::string &provider, const std::string &baseUrl)>;

// Adds to the decision, whose changes may be about the same projects.
void tellBoundKeys(Decision &decision, const Snapshot &now, const std::vector<BoundKey> &bound, bool isDatabaseOlder, const OriginOf &originOf);

} // namespace llmproxy
