// SPDX-License-Identifier: GPL-3.0-only
// $DATA_DIR/env-files: which .env files were read or written for a data directory, so that `llm-proxy run` can hide them from its command.
// A text file, 0600: one absolute path a line, the newest last. Thread: any; the file is read at each call.
#pragma once

#include <string>
#include <vector>

namespace llmproxy {

std::string envRegisterPath(const std::string &dataDir);

// Puts the file at the end of the register, and forgets the oldest beyond 32. Links are kept as they are written. Where the register
// cannot be written, nothing happens: hiding is in addition to everything else that protects the file. An empty path, and one that
// does not fit on a line, are left out.
void rememberEnvFile(const std::string &dataDir, const std::string &envFile);

// The oldest first; some may not exist any more. Empty where there is no register, or it is not one that this program wrote.
std::vector<std::string> rememberedEnvFiles(const std::string &dataDir);

} // namespace llmproxy
