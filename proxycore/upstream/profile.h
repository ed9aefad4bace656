// SPDX-License-Identifier: GPL-3.0-only
// Provider profiles: what is known about a kind of provider, as YAML data (resources/providers, and the
// file of API_CONFIG_PATH, whose profiles replace or add by name). Thread: immutable after loading.
#pragma once

#include "base/result.h"
#include "upstream/base_url.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

enum class AuthForm { Bearer, XApiKey, ApiKey, XGoogApiKey, None };

// The header field that carries a key of this form; a bearer's value begins with "Bearer ". Empty: none does.
std::string_view credentialName(AuthForm form);

struct ProviderProfile
{
    std::string name;
    std::string baseUrl;          // empty: each project must give its own
    AuthForm auth = AuthForm::Bearer;
    bool keyOptional = false;     // local models
    std::string api = "openai";   // openai, anthropic, gemini, azure, bedrock: which paths it serves
    std::optional<bool> versionSegment; // whether its paths have one ("/v1"); not set: the base URL shows it
    std::vector<std::string> hostsWithoutVersion; // globs on a base URL's host and path; the same in all profiles
    std::vector<std::string> allowedEndpoints; // globs on the path after the profile's name; empty: all
    std::vector<std::string> allowedMethods;   // empty: all
    std::optional<bool> askStreamUsage; // not set: asksStreamUsage() decides
    bool countsReasoningApart = false;  // in chat completions: outside completion_tokens (ruling 51)
    int64_t connectTimeoutMs = 0, firstByteTimeoutMs = 0, idleTimeoutMs = 0; // 0: the setting's
    std::string unixSocket;       // the built-in demo provider only
};

using Profiles = std::map<std::string, ProviderProfile, std::less<>>;

// Adds the profiles of a YAML text; unknown keys and wrong values are errors that name profile and key.
Outcome addProfiles(std::string_view yaml, Profiles *profiles);
// The built-in ones, then those of file (if not empty).
Result<Profiles> loadProfiles(const std::string &file);

// '*' any run of characters, '?' one. For endpoints, methods and models.
bool globMatches(std::string_view pattern, std::string_view text);
bool anyGlobMatches(const std::vector<std::string> &patterns, std::string_view text);

// Ruling 18: whether streams sent to baseUrl (empty: the profile's) are asked for their usage. Unless the profile says so itself, only
// those to the profile's own host, which is known to accept stream_options; a strict server elsewhere answers 422.
bool asksStreamUsage(const ProviderProfile &profile, std::string_view baseUrl);

} // namespace llmproxy
