// SPDX-License-Identifier: GPL-3.0-only
// Where referenced secrets come from: one implementation for each scheme ("env:NAME", "file:/path"). A source may take as long as
// it likes, or never answer; it is asked by the SecretCache alone. Thread: any.
#pragma once

#include "base/result.h"
#include "secrets/secret.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy {

// What a source answered. value null: there is none, or it is no credential, and then problem says why (credential_text.h).
struct FetchedSecret
{
    FetchedSecret(SharedSecret secret) : value(std::move(secret)) {}
    FetchedSecret(std::nullptr_t) {}
    // What the source has, as it stands there.
    static FetchedSecret of(std::string_view text);
    SharedSecret value;
    std::string_view problem = {}; // of static storage
};

class SecretSource
{
public:
    virtual ~SecretSource() = default;
    virtual std::string_view scheme() const = 0; // "env:"
    // Form, and place allowed; nothing is read.
    virtual Outcome check(const std::string &reference) const = 0;
    // Never waits. done is called once, on any thread, perhaps before this returns, perhaps never. It may be called when the source
    // is gone.
    using Done = std::function<void(FetchedSecret fetched)>;
    virtual void fetch(const std::string &reference, Done done) = 0;
};

using SecretSources = std::vector<std::unique_ptr<SecretSource>>;

using OwnVariable = std::function<bool(std::string_view name)>;

// Those of this version. secretsDir: SECRETS_DIR, or empty. isOwn: which environment variables are never read for a reference.
SecretSources makeSecretSources(const std::string &dataDir, const std::string &secretsDir, OwnVariable isOwn);

bool isReference(std::string_view value); // has one of the schemes, also of those that are not available

Error invalidReference(std::string message);

} // namespace llmproxy
