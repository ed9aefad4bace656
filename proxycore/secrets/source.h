// SPDX-License-Identifier: GPL-3.0-only
// Where referenced secrets come from: one implementation for each scheme ("env:NAME", "file:/path"). A source may take as long as
// it likes, or never answer; it is asked by the SecretCache alone. Thread: any.
#pragma once

#include "base/result.h"
#include "secrets/secret.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

class SecretSource
{
public:
    virtual ~SecretSource() = default;
    virtual std::string_view scheme() const = 0; // "env:"
    // Form, and place allowed; nothing is read.
    virtual Outcome check(const std::string &reference) const = 0;
    // Never waits. done is called once, on any thread, perhaps before this returns, perhaps never; null: it cannot be had. It may be
    // called when the source is gone.
    using Done = std::function<void(SharedSecret value)>;
    virtual void fetch(const std::string &reference, Done done) = 0;
};

using SecretSources = std::vector<std::unique_ptr<SecretSource>>;

using OwnVariable = std::function<bool(std::string_view name)>;

// Those of this version. secretsDir: SECRETS_DIR, or empty. isOwn: which environment variables are never read for a reference.
SecretSources makeSecretSources(const std::string &dataDir, const std::string &secretsDir, OwnVariable isOwn);

bool isReference(std::string_view value); // has one of the schemes, also of those that are not available

// A key goes into a header field: visible ASCII only (RFC 9110 section 5.5), as for a key that is given itself. Anything else, a
// second line above all, would let its source write headers of its own. Null: not such a value.
SharedSecret secretOf(std::string_view value);
Error invalidReference(std::string message);

} // namespace llmproxy
