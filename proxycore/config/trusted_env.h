// SPDX-License-Identifier: GPL-3.0-only
// A .env that nobody named: it is read when it belongs to this user and nobody else can write it (ruling 4), and not through a link that
// others can have placed. Thread: any.
#pragma once

#include "config/env_file.h"

#include <string>

namespace llmproxy {

// The settings in it, by the same rules as those of ./.env. problem: empty, or why it was not read, as the end of a sentence about the
// file ("does not exist").
EnvFile readTrustedEnv(const std::string &path, std::string *problem);

// The last line that sets it counts, as for --serve. Null: it is not set, or is empty.
const std::string *valueIn(const EnvFile &file, std::string_view name);

// A file that a line of .env names: --serve, which reads that .env, is started in its folder.
std::string pathNamedIn(const std::string &envFile, const std::string &named);

} // namespace llmproxy
