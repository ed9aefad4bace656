// SPDX-License-Identifier: GPL-3.0-only
// The base URL of a provider: one reading for all who take one (projects, key checks, profiles) and for the request that uses it. What
// people paste is often an endpoint ("https://api.openai.com/v1/chat/completions"); it is shortened to the part before it. Thread: any.
#pragma once

#include "access/host_rules.h"
#include "base/result.h"
#include "upstream/base_url.h"
#include "upstream/profile.h"

#include <optional>
#include <string>
#include <string_view>

namespace llmproxy {

struct ProviderUrl
{
    BaseUrl url;
    // Whether the server's paths have a version segment, as the caller or the pasted endpoint says; not set: neither does.
    std::optional<bool> versionSegment;
    bool isShortened = false;

    std::string note() const; // a sentence about the shortening; empty: there was none
};

// Reading url.text() again gives the same. The error is what is wrong, without a subject: "must …".
Result<ProviderUrl> readProviderUrl(std::string_view text, const ProviderProfile &profile, std::optional<bool> versionSegment = {});
// Why a host that is an address, or plain http, is not accepted, in the same form; null: it is.
const char *refusedHost(const BaseUrl &url, const HostRules &rules);

} // namespace llmproxy
