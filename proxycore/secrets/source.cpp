// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/source.h"

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

SharedSecret secretOf(std::string_view value)
{
    const bool clean = std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return clean && !value.empty() ? std::make_shared<const Secret>(value) : nullptr;
}

Error invalidReference(std::string message)
{
    return {ErrorKind::Invalid, "invalid_reference", std::move(message), {}};
}

} // namespace llmproxy
