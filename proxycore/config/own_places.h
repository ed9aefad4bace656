// SPDX-License-Identifier: GPL-3.0-only
// Where this program keeps what a command that `llm-proxy run` starts must not see: keys, tokens, the database, logs. Thread: any.
#pragma once

#include <string>
#include <vector>

namespace llmproxy {

struct Settings;

struct OwnPlace
{
    enum class Kind {
        Folder,
        File,
        Files, // of this name, and those beside it whose names begin with it: llm-proxy.db-wal, audit.log.20261201T000000Z-17.gz
    };
    std::string path; // absolute; it need not exist
    Kind kind = Kind::Folder;
    std::string what; // "data directory"
};

// The data directory first. Read from disk is which .env files belong to it, and what those name.
std::vector<OwnPlace> ownPlaces(const Settings &settings);

} // namespace llmproxy
