// SPDX-License-Identifier: GPL-3.0-only
#include "storage/management_token.h"

#include "base/clock.h"
#include "storage/rows_to.h"

#include <charconv>

namespace llmproxy {

namespace {

constexpr const char *inUseName = "management_token_in_use";

std::string noteName(const std::string &sha256Hex)
{
    return "management_token." + sha256Hex;
}

// 0: never.
int64_t seenSince(SqlConnection &connection, const std::string &sha256Hex)
{
    std::string text;
    int64_t sinceMs = 0;
    if (readMeta(connection, noteName(sha256Hex).c_str(), &text))
        std::from_chars(text.data(), text.data() + text.size(), sinceMs);
    return sinceMs;
}

} // namespace

int64_t noteManagementToken(SqlConnection &connection, const std::string &sha256Hex, bool isServing)
{
    int64_t sinceMs = seenSince(connection, sha256Hex);
    if (sinceMs == 0) {
        sinceMs = Clock::wallMs();
        writeMeta(connection, noteName(sha256Hex).c_str(), std::to_string(sinceMs)); // its own complaint is logged
    }
    if (isServing)
        writeMeta(connection, inUseName, sha256Hex);
    return sinceMs;
}

StoredToken readManagementToken(SqlConnection &connection)
{
    StoredToken stored;
    if (readMeta(connection, inUseName, &stored.sha256Hex))
        stored.sinceMs = seenSince(connection, stored.sha256Hex);
    return stored;
}

} // namespace llmproxy
