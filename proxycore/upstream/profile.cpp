// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/profile.h"

#include "access/cidr.h"
#include "base/ascii.h"
#include "config/settings.h"

#include <QFile>
#include <QUrl>
#include <algorithm>
#include <charconv>
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
            if (!profile->baseUrl.empty()) {
                if (const auto url = parseBaseUrl(profile->baseUrl); !url)
                    return wrong(name, key, url.error().message);
            }
        } else if (key == "auth") {
            const auto form = forms.find(value.as<std::string>());
            if (form == forms.end())
                return wrong(name, key, "must be bearer, x-api-key, api-key, x-goog-api-key or none");
            profile->auth = form->second;
        } else if (key == "api") {
            profile->api = value.as<std::string>();
            if (profile->api != "openai" && profile->api != "anthropic" && profile->api != "gemini" && profile->api != "azure")
                return wrong(name, key, "must be openai, anthropic, gemini or azure");
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
    return {};
}

bool isVersionSegment(std::string_view segment)
{
    return segment.size() >= 2 && segment[0] == 'v' && segment[1] >= '0' && segment[1] <= '9';
}

} // namespace

Outcome addProfiles(std::string_view yaml, Profiles *profiles)
{
    try {
        const YAML::Node root = YAML::Load(std::string(yaml));
        for (const auto &section : root) {
            if (section.first.as<std::string>() != "providers")
                return wrong("(file)", section.first.as<std::string>(), "is not a known key; profiles stand below \"providers\"");
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

// One spelling for a host, the one that libcurl makes of it: lower case, IDNA, addresses as dotted numbers. What is judged, resolved and
// dialled is the same then.
static bool normalizeHost(std::string *host)
{
    const bool isAscii = std::all_of(host->begin(), host->end(), [](char c) { return c > 0x20 && c < 0x7f; });
    *host = isAscii ? lowerCased(*host) : QUrl::toAce(QString::fromStdString(*host)).toStdString();
    if (const auto address = IpAddress::parseHost(*host)) {
        if (host->find('%') == std::string::npos) // a zone is needed as it is
            *host = address->toString();
        return true;
    }
    return !host->empty() && std::all_of(host->begin(), host->end(), [](char c) { return isAsciiAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string BaseUrl::authority() const
{
    const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string BaseUrl::origin() const
{
    const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return (tls ? "https://" : "http://") + lowerCased(name) + ":" + std::to_string(port);
}

Result<BaseUrl> parseBaseUrl(std::string_view url)
{
    const auto fail = [](const char *problem) { return Error{ErrorKind::Invalid, "invalid_field", problem, "base_url"}; };
    BaseUrl out;
    if (url.substr(0, 8) == "https://") {
        url.remove_prefix(8);
    } else if (url.substr(0, 7) == "http://") {
        url.remove_prefix(7);
        out.tls = false;
        out.port = 80;
    } else {
        return fail("must start with https:// or http://");
    }
    if (url.find_first_of("?#@ \t\r\n") != std::string_view::npos)
        return fail("must not have credentials, a query, a fragment or spaces");
    const size_t slash = url.find('/');
    std::string_view authority = url.substr(0, slash);
    out.path = slash == std::string_view::npos ? std::string() : std::string(url.substr(slash));
    while (!out.path.empty() && out.path.back() == '/')
        out.path.pop_back();
    size_t colon = authority.rfind(':');
    if (!authority.empty() && authority.front() == '[') {
        const size_t end = authority.find(']');
        if (end == std::string_view::npos)
            return fail("has an IPv6 address without ]");
        out.host = authority.substr(1, end - 1);
        colon = end + 1 < authority.size() ? end + 1 : std::string_view::npos;
    } else {
        out.host = authority.substr(0, colon);
    }
    if (out.host.empty())
        return fail("has no host");
    if (!normalizeHost(&out.host))
        return fail("has a host that is neither a name nor an address");
    if (authority.front() == '[' && !IpAddress::parseHost(out.host))
        return fail("has no IPv6 address between [ and ]");
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        unsigned port = 0;
        const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (result.ptr != digits.data() + digits.size() || digits.empty() || port == 0 || port > 65535)
            return fail("has a port that is not a number from 1 to 65535");
        out.port = static_cast<uint16_t>(port);
    }
    return out;
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

std::string joinPath(const std::string &basePath, std::string_view rest)
{
    const size_t slash = basePath.rfind('/');
    const std::string_view last = slash == std::string::npos ? std::string_view() : std::string_view(basePath).substr(slash + 1);
    if (isVersionSegment(last) || last == "openai") {
        const std::string_view body = rest.substr(rest.empty() ? 0 : 1);
        const std::string_view first = body.substr(0, body.find('/'));
        if (first == "v1" || first == last)
            rest.remove_prefix(first.size() + 1);
    }
    return basePath + std::string(rest);
}

} // namespace llmproxy
