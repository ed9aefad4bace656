// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/profile.h"

#include "config/settings.h"
#include "upstream/provider_url.h"

#include <QFile>
#include <algorithm>
#include <yaml-cpp/yaml.h>

static void initProviderResource()
{
    Q_INIT_RESOURCE(providers); // we are a static library: nobody else does it
}

namespace llmproxy {

namespace {

Error wrong(const std::string &profile, const std::string &key, const std::string &problem)
{
    return {ErrorKind::Invalid, "invalid_profile", "provider profile \"" + profile + "\": " + key + " " + problem, key};
}

Outcome readTimeouts(const std::string &name, const YAML::Node &node, ProviderProfile *profile)
{
    for (const auto &item : node) {
        const auto key = item.first.as<std::string>();
        const auto value = parseDurationMs(item.second.as<std::string>());
        int64_t *into = key == "connect" ? &profile->connectTimeoutMs
                        : key == "first_byte" ? &profile->firstByteTimeoutMs
                        : key == "idle" ? &profile->idleTimeoutMs : nullptr;
        if (!into)
            return wrong(name, "timeouts." + key, "is not known (connect, first_byte, idle)");
        if (!value || *value <= 0)
            return wrong(name, "timeouts." + key, "is not a duration like 30s");
        *into = *value;
    }
    return {};
}

Outcome readProfile(const std::string &name, const YAML::Node &node, ProviderProfile *profile)
{
    static const std::map<std::string, AuthForm> forms{{"bearer", AuthForm::Bearer}, {"x-api-key", AuthForm::XApiKey},
                                                       {"api-key", AuthForm::ApiKey}, {"x-goog-api-key", AuthForm::XGoogApiKey},
                                                       {"none", AuthForm::None}};
    profile->name = name;
    for (const auto &item : node) {
        const auto key = item.first.as<std::string>();
        const YAML::Node &value = item.second;
        if (key == "base_url") {
            profile->baseUrl = value.as<std::string>();
        } else if (key == "auth") {
            const auto form = forms.find(value.as<std::string>());
            if (form == forms.end())
                return wrong(name, key, "must be bearer, x-api-key, api-key, x-goog-api-key or none");
            profile->auth = form->second;
        } else if (key == "api") {
            profile->api = value.as<std::string>();
            if (profile->api != "openai" && profile->api != "anthropic" && profile->api != "gemini" && profile->api != "azure" && profile->api != "bedrock")
                return wrong(name, key, "must be openai, anthropic, gemini, azure or bedrock");
        } else if (key == "version_segment") {
            profile->versionSegment = value.as<bool>();
        } else if (key == "key_optional") {
            profile->keyOptional = value.as<bool>();
        } else if (key == "ask_stream_usage") {
            profile->askStreamUsage = value.as<bool>();
        } else if (key == "counts_reasoning_apart") {
            profile->countsReasoningApart = value.as<bool>();
        } else if (key == "allowed_endpoints") {
            profile->allowedEndpoints = value.as<std::vector<std::string>>();
        } else if (key == "allowed_methods") {
            profile->allowedMethods = value.as<std::vector<std::string>>();
        } else if (key == "timeouts") {
            if (Outcome problem = readTimeouts(name, value, profile))
                return problem;
        } else if (key == "param_whitelist" || key == "allowed_origins" || key == "required_headers") {
            if (value.size() > 0)
                return wrong(name, key, "is not available in this version; remove it or leave it empty");
        } else {
            return wrong(name, key, "is not a known key");
        }
    }
    if (profile->baseUrl.empty())
        return {};
    const auto url = readProviderUrl(profile->baseUrl, *profile); // its api decides how it is read
    return url ? Outcome() : wrong(name, "base_url", url.error().message);
}

} // namespace

Outcome addProfiles(std::string_view yaml, Profiles *profiles)
{
    std::vector<std::string> hosts;
    if (!profiles->empty())
        hosts = profiles->begin()->second.hostsWithoutVersion;
    try {
        const YAML::Node root = YAML::Load(std::string(yaml));
        for (const auto &section : root) {
            const auto key = section.first.as<std::string>();
            if (key == "hosts_without_version") {
                for (const std::string &glob : section.second.as<std::vector<std::string>>())
                    hosts.push_back(glob);
            } else if (key != "providers") {
                return wrong("(file)", key, "is not a known key; profiles stand below \"providers\"");
            }
        }
        for (const auto &item : root["providers"]) {
            ProviderProfile profile;
            const auto name = item.first.as<std::string>();
            if (name.empty() || name.size() > 40 || name == "manage" || name == "health" || name == "ready" || name == "metrics" || isVersionSegment(name)
                || !std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }))
                return wrong(name, "name", "must be 1 to 40 of a-z 0-9 - _, and not a path of our own");
            if (Outcome problem = readProfile(name, item.second, &profile))
                return problem;
            (*profiles)[name] = std::move(profile);
        }
    } catch (const YAML::Exception &error) {
        return Error{ErrorKind::Invalid, "invalid_profile", std::string("provider profiles: ") + error.what(), "API_CONFIG_PATH"};
    }
    for (auto &[name, profile] : *profiles)
        profile.hostsWithoutVersion = hosts;
    return {};
}

Result<Profiles> loadProfiles(const std::string &file)
{
    initProviderResource();
    Profiles profiles;
    for (const QString &path : {QStringLiteral(":/providers/builtin.yaml"), QString::fromStdString(file)}) {
        if (path.isEmpty())
            continue;
        QFile source(path);
        if (!source.open(QIODevice::ReadOnly))
            return Error{ErrorKind::Invalid, "invalid_profile", "API_CONFIG_PATH: cannot read " + path.toStdString(), "API_CONFIG_PATH"};
        if (Outcome problem = addProfiles(source.readAll().toStdString(), &profiles))
            return *problem;
    }
    return profiles;
}

std::string_view credentialName(AuthForm form)
{
    switch (form) {
    case AuthForm::Bearer: return "Authorization";
    case AuthForm::XApiKey: return "x-api-key";
    case AuthForm::ApiKey: return "api-key";
    case AuthForm::XGoogApiKey: return "x-goog-api-key";
    case AuthForm::None: break;
    }
    return {};
}

bool globMatches(std::string_view pattern, std::string_view text)
{
    // Linear backtracking to the last star: no exponential patterns.
    size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == text[t] && pattern[p] != '*'))) {
            ++p;
            ++t;
        } else if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool anyGlobMatches(const std::vector<std::string> &patterns, std::string_view text)
{
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string &pattern) { return globMatches(pattern, text); });
}

bool asksStreamUsage(const ProviderProfile &profile, std::string_view baseUrl)
{
    if (profile.askStreamUsage)
        return *profile.askStreamUsage;
    const auto own = parseBaseUrl(profile.baseUrl);
    if (!own || baseUrl.empty())
        return own.ok();
    const auto used = parseBaseUrl(baseUrl);
    return used && used->origin() == own->origin();
}

} // namespace llmproxy
