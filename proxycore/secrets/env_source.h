// SPDX-License-Identifier: GPL-3.0-only
// "env:NAME": a variable of this process's environment, never one of our own settings (ruling 31). Thread: any.
#pragma once

#include "secrets/source.h"

namespace llmproxy {

class EnvSource final : public SecretSource
{
public:
    std::string_view scheme() const override { return "env:"; }
    Outcome check(const std::string &reference) const override;
    void fetch(const std::string &reference, Done done) override; // answers before it returns
};

} // namespace llmproxy
