// SPDX-License-Identifier: GPL-3.0-only
// Where llm-proxy setup keeps the encryption key and the management token: in .env, or in files of the data directory, which
// programs that read a project's files do not find. Nothing that exists is replaced. Thread: main.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace llmproxy {

// DATA_DIR/management-token, which .env names as MANAGEMENT_TOKEN_FILE.
std::string managementTokenPath(const std::string &dataDir);

std::string randomManagementToken();
std::string randomEncryptionKey(); // base64 of 32 bytes

// The files of the data directory that are missing.
struct SecretFiles
{
    bool needsKey = false, needsToken = false;

    bool isNone() const { return !needsKey && !needsToken; }
    // Makes them (0600), and the data directory where there is none (0700); their paths go to written.
    Outcome write(const std::string &dataDir, std::vector<std::string> *written) const;
};

} // namespace llmproxy
