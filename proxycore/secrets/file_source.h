// SPDX-License-Identifier: GPL-3.0-only
// "file:/path" below SECRETS_DIR, $DATA_DIR/secrets, /run/secrets or $CREDENTIALS_DIRECTORY. Files are read on threads of their own,
// one made with the source for each of these folders and at most eight at a time, the others in turn: a folder on a network that hangs holds up nothing but
// what lies below it. Thread: any.
#pragma once

#include "secrets/source.h"

namespace llmproxy {

class FileSource final : public SecretSource
{
public:
    FileSource(const std::string &dataDir, const std::string &secretsDir); // std::system_error: no thread is left (makeThread())
    ~FileSource() override;
    std::string_view scheme() const override { return "file:"; }
    Outcome check(const std::string &reference) const override;
    void fetch(const std::string &reference, Done done) override;

private:
    struct Root;
    void startReaders();
    void endReaders();

    std::vector<std::shared_ptr<Root>> m_roots; // they outlive this: a read may hang
};

} // namespace llmproxy
