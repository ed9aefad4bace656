// SPDX-License-Identifier: GPL-3.0-only
// Where a request id is. Ids are all different, so a tree of them would cost as much as the events: the ends of a block's ids
// are kept one behind the other, and once 64 blocks are full they are sorted into 64 buckets by a hash, four bytes and the
// block each. A question reads one bucket of each segment, 1.3 KB for 16,384 events. Used on the connection's thread.
#pragma once

#include "audit/query.h"
#include "storage/audit_blocks.h"
#include "storage/sql_connection.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace llmproxy {

// What is kept of a request id: its last eight characters, with blanks before a shorter one.
inline constexpr size_t requestEnd = 8;
std::string requestEndOf(std::string_view id);

// Sorts the oldest segment that is full, if there is one before this block. Within a transaction. False: storage failed.
bool packRequestEnds(SqlConnection &connection, int64_t beforeBlock);

// Blocks that may have an event of the query's request id.
std::unique_ptr<Blocks> blocksOfRequest(SqlConnection &connection, const AuditQuery &filters);

} // namespace llmproxy
