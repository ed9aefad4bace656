// SPDX-License-Identifier: GPL-3.0-only
// The one time that stored keys are bound to the base URLs that they have (access/key_binding.h): when the schema changes from before
// there were bindings, inside that very transaction. A later start never binds: who can write to the database could otherwise put an
// old key check back and have any base URL bound. Used on the connection's thread.
#pragma once

#include "secrets/key_ring.h"
#include "storage/sql_connection.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

inline constexpr int firstSchemaWithBindings = 9;

struct BoundKey
{
    std::string projectId, provider, baseUrl; // baseUrl empty: the profile's own
};

using OpenKeys = std::function<Result<KeyRing>(const KeyRingRecord &record)>;

// nullopt: a new database.
std::optional<KeyRingRecord> readKeyRing(SqlConnection &connection);
// Binds all and notes which, inside the caller's transaction. A database whose key check says that its keys are bound already is none of
// before: its keys stay as they are.
Outcome bindOlderKeys(SqlConnection &connection, const OpenKeys &openKeys);
// Those that were bound and that no event names yet.
std::vector<BoundKey> readBoundKeys(SqlConnection &connection);
bool forgetBoundKeys(SqlConnection &connection);

} // namespace llmproxy
