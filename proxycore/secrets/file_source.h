// SPDX-License-Identifier: GPL-3.0-only
// "file:/path" below SECRETS_DIR, $DATA_DIR/secrets, /run/secrets or $CREDENTIALS_DIRECTORY. Files are read on threads of their own,
// at most eight at a time below each of these folders, the others in turn: a folder on a network that hangs holds up nothing but
// what lies below it. Thread: any.
#pragma once

#include "secrets/source.h"

namespace llmproxy {

class FileSource final : public SecretSource
{
public:
    FileSource(const std::string &dataDir, const std::string &secretsDir);
    std::string_view scheme() const override { return "file:"; }
    Outcome check(const std::string &reference) const override;
    void fetch(const std::string &reference, Done done) override;

private:
    struct Root;
    using Roots = std::vector<std::shared_ptr<Root>>; // they outlive this: a read may hang
    static void readAll(const std::shared_ptr<Root> &root, const Roots &roots);
    Roots m_roots;
};

} // namespace llmproxy
