// SPDX-License-Identifier: GPL-3.0-only
// "env:NAME": a variable of this process's environment, never one of our own (ruling 50): a project must not
// be able to send our settings and secrets to a provider. Thread: any.
#pragma once

#include "secrets/source.h"

namespace llmproxy {

class EnvSource final : public SecretSource
{
public:
    // isOwn: is the variable of this name this program's?
    explicit EnvSource(OwnVariable isOwn) : m_isOwn(std::move(isOwn)) {}
    std::string_view scheme() const override { return "env:"; }
    Outcome check(const std::string &reference) const override;
    void fetch(const std::string &reference, Done done) override; // answers before it returns

private:
    const OwnVariable m_isOwn;
};

} // namespace llmproxy
