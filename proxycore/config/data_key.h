// SPDX-License-Identifier: GPL-3.0-only
// The encryption key of a data directory that has a database: from the settings, from DATA_DIR/encryption.key, else from the .env beside
// the directory, where `llm-proxy setup` writes it and --serve reads it (ruling 3). Thread: any; files are read at each call.
#pragma once

#include "base/result.h"
#include "secrets/key_ring.h"

#include <string>

namespace llmproxy {

struct Settings;

// DATA_DIR/../.env, absolute. A link in the place of the data directory is not followed: .env lies where the link does.
std::string envFileBeside(const std::string &dataDir);

// The only way to the keys of a database that exists. Of the .env beside the data directory nothing but ENCRYPTION_KEY and
// ENCRYPTION_KEY_FILE is read, and only when neither the settings nor DATA_DIR have a key, when the file belongs to this user and
// nobody else can write it, and when the key passes the check in the record: such a file can lie in a repository that was cloned, and
// must not choose a key. KeyRing::envFile() names the file that was used. Errors: those of loadMasterKey() and KeyRing::open(); where
// the key is missing, with what was found in that file.
Result<KeyRing> openDataKeys(const Settings &settings, const KeyRingRecord &record);

} // namespace llmproxy
