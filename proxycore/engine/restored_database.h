// SPDX-License-Identifier: GPL-3.0-only
// An older copy of the database beside a newer audit log (ruling 64): what the log says was taken away is taken away again, and all
// other changes that the database does not know are only named. Thread: storage.
#pragma once

#include "access/store.h"

#include <string_view>
#include <vector>

namespace llmproxy {

inline constexpr std::string_view databaseRestored = "The database is older than the audit log: its revocations, deactivations and deletions were applied again, other changes are lost.";

// unknown: the changes after the database's last one, in order. The decision has an event that counts them.
Decision takeRightsAgain(const Snapshot &now, const std::vector<AuditEvent> &unknown);

} // namespace llmproxy
