// SPDX-License-Identifier: GPL-3.0-only
// Secret references: "env:NAME" and "file:/path" (below SECRETS_DIR, $DATA_DIR/secrets, /run/secrets or
// $CREDENTIALS_DIRECTORY). Fresh for 60 s; while the source is away the last good value for 10 minutes.
// Never on an engine thread. keychain:, vault: and aws-sm: are refused by name. Thread: any, one lock.
#pragma once

#include "base/result.h"
#include "secrets/secret.h"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace llmproxy {

bool isReference(std::string_view value); // has one of the five schemes

class ReferenceResolver
{
public:
    explicit ReferenceResolver(std::string dataDir, std::string secretsDir = {});
    // Scheme, form, and place allowed; nothing is read.
    Outcome check(const std::string &reference) const;
    // Cached; Error (Unavailable) when it cannot be read and no good value is fresh enough.
    Result<SharedSecret> resolve(const std::string &reference);

private:
    struct Cached { SharedSecret value; int64_t readMs = 0; int64_t triedMs = 0; };
    std::vector<std::string> m_roots;
    std::mutex m_lock;
    std::map<std::string, Cached> m_cache;
};

} // namespace llmproxy
