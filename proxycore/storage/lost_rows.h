// SPDX-License-Identifier: GPL-3.0-only
// Events whose lines stand in no file any more before their rows were made, so that their rows will never be there. A range is stored
// in the transaction that skips it, declared as an event system.recovered, and forgotten in the transaction of that event's row: a
// kill in between declares it again, and never loses it. Used on the connection's thread.
#pragma once

#include "audit/event.h"
#include "storage/sql_connection.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace llmproxy {

inline constexpr std::string_view lostRowsReason = "rows_lost";

using LostRows = std::vector<std::pair<int64_t, int64_t>>; // seqs from and to

// The range that an event declares; nothing: it is another event.
std::optional<std::pair<int64_t, int64_t>> declaredIn(const AuditEvent &event);
// Those that no row declares yet. False: they cannot be read.
bool readLostRows(SqlConnection &connection, LostRows *lost);
// In the caller's transaction. False: storage failed.
bool addLostRows(SqlConnection &connection, const LostRows &more);
// The same; for each row that is inserted.
bool forgetDeclared(SqlConnection &connection, const AuditEvent &row);

} // namespace llmproxy
