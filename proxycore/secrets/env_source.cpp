// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/env_source.h"

#include <algorithm>
#include <cstdlib>

namespace llmproxy {

namespace {

bool isVariableName(std::string_view name)
{
    const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && letter(name.front())
           && std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

} // namespace

Outcome EnvSource::check(const std::string &reference) const
{
    const std::string_view name = std::string_view(reference).substr(scheme().size());
    if (!isVariableName(name))
        return invalidReference("'env:' must be followed by the name of an environment variable.");
    if (m_isOwn(name))
        return invalidReference("The variable " + std::string(name) + " belongs to this program and is never sent to a provider.");
    return {};
}

void EnvSource::fetch(const std::string &reference, Done done)
{
    const char *const value = std::getenv(reference.c_str() + scheme().size());
    done(value ? FetchedSecret::of(value) : nullptr);
}

} // namespace llmproxy
