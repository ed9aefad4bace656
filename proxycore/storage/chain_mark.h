// SPDX-License-Identifier: GPL-3.0-only
// How far the audit log was verified, in the table "meta", so that the next look begins there. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace llmproxy {

class SqlConnection;

struct ChainMark
{
    int64_t seq = 0;        // the last event that was verified; 0: none was
    std::string hash;       // that event's
    int64_t verifiedMs = 0; // when; Unix time
    int64_t wholeMs = 0;    // when all of it was verified by somebody; 0: never
    std::string problem;    // what was found last, a sentence; empty: nothing is wrong
    int64_t problemMs = 0;  // when it was found first
};

// None yet: all 0. nullopt: it cannot be read.
std::optional<ChainMark> readChainMark(SqlConnection &connection);
bool writeChainMark(SqlConnection &connection, const ChainMark &mark);

} // namespace llmproxy
