// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/source.h"

#include "secrets/credential_text.h"
#include "secrets/env_source.h"
#include "secrets/file_source.h"

#include <algorithm>
#include <array>

namespace llmproxy {

namespace {

constexpr std::array<std::string_view, 5> schemes{"env:", "file:", "keychain:", "vault:", "aws-sm:"};

} // namespace

SecretSources makeSecretSources(const std::string &dataDir, const std::string &secretsDir, OwnVariable isOwn)
{
    SecretSources sources;
    sources.push_back(std::make_unique<EnvSource>(std::move(isOwn)));
    sources.push_back(std::make_unique<FileSource>(dataDir, secretsDir));
    return sources;
}

bool isReference(std::string_view value)
{
    return std::any_of(schemes.begin(), schemes.end(), [&](auto scheme) { return value.starts_with(scheme); });
}

FetchedSecret FetchedSecret::of(std::string_view text)
{
    const CredentialText read = readCredential(text);
    FetchedSecret fetched(nullptr);
    fetched.problem = read.problem;
    if (read.problem.empty())
        fetched.value = std::make_shared<const Secret>(read.value);
    return fetched;
}

Error invalidReference(std::string message)
{
    return {ErrorKind::Invalid, "invalid_reference", std::move(message), {}};
}

} // namespace llmproxy
