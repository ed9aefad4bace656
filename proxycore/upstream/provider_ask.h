// SPDX-License-Identifier: GPL-3.0-only
// One question to a provider, outside of any client's request. Connects as the data path does, follows no redirect: the key goes to the
// one address that was named. Thread: any that may wait.
#pragma once

#include "secrets/secret.h"
#include "upstream/base_url.h"
#include "upstream/dialler.h"
#include "upstream/profile.h"

#include <atomic>
#include <string>
#include <string_view>

namespace llmproxy {

struct ProviderAsk
{
    BaseUrl url;
    std::string_view path;  // a client's: "/v1/models"
    std::string_view query = {};
    std::string_view body = {}; // empty: GET, else POST of this JSON
    SharedSecret key = {};  // null: asked without one
};

struct ProviderSaid
{
    int status = 0;      // 0: there was no answer
    std::string body;    // at most 4 MiB
    std::string origin;  // that was asked, for messages
    // Without an answer: unreachable, certificate, timeout, unexpected_answer, and a sentence for a person.
    std::string reason, message;
};

// Gives up at untilMs of Clock::steadyMs().
ProviderSaid askOnce(const ProviderProfile &profile, const ProviderAsk &ask, const DialConfig &config, int64_t untilMs, const std::atomic<bool> &cancelled);

} // namespace llmproxy
