// SPDX-License-Identifier: GPL-3.0-only
// Whose database is it? Read with pread(2), before SQLite opens the file: opening another program's database would already change
// its journal mode and leave files beside it. Ours have the application_id below in their header. Thread: any; never while this
// process has connections to the file, for closing a descriptor of it would give up their locks (fcntl(2)).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace llmproxy {

// "LLMP", at offset 68 of the file. It says "LLM Proxy" to file(1) and to whoever looks at the file with another program.
inline constexpr uint32_t databaseApplicationId = 0x4c4c4d50;

enum class DatabaseKind {
    Missing,
    Empty,    // no bytes: it becomes ours
    Marked,   // ours
    Unmarked, // ours, of a version that set no mark: it has our tables and a schema number of ours
    Other,    // another program's, or no database
};

struct DatabaseLook
{
    DatabaseKind kind = DatabaseKind::Missing;
    uint32_t schema = 0; // user_version
};

// What is committed counts, also where it is only in the write-ahead log. newestSchema: the highest number that this program knows.
// Error: the file cannot be opened, or is not in a place of ours (base/owned_file.h).
Result<DatabaseLook> lookAtDatabase(const std::string &path, uint32_t newestSchema);
// A copy at target, which must not exist, with what stands in the write-ahead log. Nobody may write the database meanwhile. Error: no space.
Outcome copyDatabase(const std::string &path, const std::string &target);
// Of a database that is not ours: names the file and DATABASE_PATH.
Error notOurDatabase(const std::string &path);

} // namespace llmproxy
