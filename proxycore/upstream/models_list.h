// SPDX-License-Identifier: GPL-3.0-only
// Asks a provider for its models, as a proof that it takes a key, and finds the form of its address where the given one serves nothing.
// Thread: any that may wait 20 s.
#pragma once

#include "secrets/secret.h"
#include "upstream/dialler.h"
#include "upstream/profile.h"
#include "upstream/provider_url.h"

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

// Where the API answers, when that is not where it was looked for.
struct ProposedUrl
{
    std::string baseUrl; // empty: there is none
    std::optional<bool> versionSegment;
};

struct ModelsAnswer
{
    std::string reason;  // ok, key_refused, unreachable, certificate, timeout, unexpected_answer
    int status = 0;      // 0: there was no answer
    std::string message; // one sentence for a person
    std::vector<std::string> models; // at most 500, sorted
    ProposedUrl proposal = {}; // of the same origin
};

// baseUrl empty: the profile's. key null: asked without one.
ModelsAnswer listModels(const ProviderProfile &profile, const std::string &baseUrl, std::optional<bool> versionSegment, const SharedSecret &key,
                        const DialConfig &config, const std::atomic<bool> &cancelled);

// The ids in a models list of this API; nothing when the text is none. For the answer above.
bool readModels(const std::string &api, std::string_view body, std::vector<std::string> *models);

} // namespace llmproxy
