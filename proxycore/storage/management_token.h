// SPDX-License-Identifier: GPL-3.0-only
// Which management tokens were seen, by their SHA-256, in the table "meta": since when (their age for doctor), and which one is the
// server's own, so that it goes on with that when MANAGEMENT_TOKEN is not set. Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace llmproxy {

class SqlConnection;

struct StoredToken
{
    std::string sha256Hex; // empty: no server had one here
    int64_t sinceMs = 0;   // when it first was seen; Unix time
};

// Returns when it first was seen. isServing: it is the server's own from now on; a command may have been given another server's.
int64_t noteManagementToken(SqlConnection &connection, const std::string &sha256Hex, bool isServing);
// The newest token that a server had.
StoredToken readManagementToken(SqlConnection &connection);

} // namespace llmproxy
