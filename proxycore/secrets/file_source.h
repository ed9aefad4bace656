// SPDX-License-Identifier: GPL-3.0-only
// "file:/path" below SECRETS_DIR, $DATA_DIR/secrets, /run/secrets or $CREDENTIALS_DIRECTORY. Each read has a thread of its own: a
// file on a network that hangs holds up nobody else, and at most 16 hang. Thread: any.
#pragma once

#include "secrets/source.h"

#include <atomic>

namespace llmproxy {

class FileSource final : public SecretSource
{
public:
    FileSource(const std::string &dataDir, const std::string &secretsDir);
    std::string_view scheme() const override { return "file:"; }
    Outcome check(const std::string &reference) const override;
    void fetch(const std::string &reference, Done done) override;

private:
    std::vector<std::string> m_roots;
    std::shared_ptr<std::atomic<int>> m_reading = std::make_shared<std::atomic<int>>(0); // outlives this: a read may hang
};

} // namespace llmproxy
