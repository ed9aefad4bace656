// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/provider_url.h"

#include "base/ascii.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace llmproxy {

namespace {

using Segments = std::vector<std::string_view>;

// How many segments stay, and what the cut ones show about the server's paths.
struct Cut
{
    size_t kept = 0;
    std::optional<bool> versionSegment = {};
};

Segments segmentsOf(std::string_view path)
{
    Segments segments;
    while (!path.empty()) {
        path.remove_prefix(1);
        segments.push_back(path.substr(0, path.find('/')));
        path.remove_prefix(segments.back().size());
    }
    return segments;
}

bool isOneOf(std::string_view word, std::initializer_list<std::string_view> words)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool endsIn(const Segments &segments, const Segments &tail)
{
    return segments.size() >= tail.size() && std::equal(tail.rbegin(), tail.rend(), segments.rbegin());
}

size_t firstVersion(const Segments &segments)
{
    return static_cast<size_t>(std::find_if(segments.begin(), segments.end(), isVersionSegment) - segments.begin());
}

std::optional<Cut> cutAzure(const Segments &segments)
{
    for (size_t at = segments.size(); at-- > 0;) {
        if (equalsIgnoreCase(segments[at], "openai"))
            return Cut{at};
    }
    return {};
}

// Gemini and Vertex: clients name everything from the version on.
std::optional<Cut> cutGoogle(const Segments &segments, bool isGemini)
{
    if (segments.empty())
        return {};
    const std::string_view last = segments.back();
    const bool isMethod = last.find(':') != last.npos
                          && isOneOf(last.substr(last.rfind(':') + 1), {"generateContent", "streamGenerateContent", "embedContent", "batchEmbedContents", "countTokens", "predict",
                                                                        "predictLongRunning", "rawPredict", "streamRawPredict"});
    const auto list = std::find(segments.begin(), segments.end(), "models");
    const bool isList = isGemini && segments.end() - list <= 2 && list != segments.begin() && list != segments.end() && isVersionSegment(*(list - 1));
    const bool isCompatible = isGemini && endsIn(segments, {"chat", "completions"}); // Vertex' …/endpoints/openapi, Gemini's …/openai
    if (!isMethod && !isList && !isCompatible)
        return {};
    const size_t version = firstVersion(segments);
    if (version < segments.size())
        return Cut{version};
    return list == segments.end() ? std::optional<Cut>() : Cut{static_cast<size_t>(list - segments.begin())};
}

std::optional<Cut> cutBedrock(const Segments &segments)
{
    const auto model = std::find(segments.begin(), segments.end(), "model");
    if (segments.end() - model < 3 || !isOneOf(segments.back(), {"invoke", "invoke-with-response-stream", "converse", "converse-stream", "count-tokens"}))
        return {};
    return Cut{static_cast<size_t>(model - segments.begin())};
}

// Endpoints whose clients name the version themselves: Anthropic, Cohere, Ollama.
std::optional<Cut> cutVersioned(const Segments &segments, bool isAnthropic)
{
    if (segments.size() >= 2 && segments[segments.size() - 2] == "api"
        && isOneOf(segments.back(), {"chat", "generate", "embed", "embeddings", "tags", "show", "ps"}))
        return Cut{segments.size() - 2};
    for (const Segments &tail : {Segments{"messages"}, Segments{"messages", "count_tokens"}, Segments{"messages", "batches"}, Segments{"chat"}, Segments{"rerank"}, Segments{"embed"}}) {
        if (!endsIn(segments, tail))
            continue;
        const size_t kept = segments.size() - tail.size();
        const std::string_view before = kept > 0 ? segments[kept - 1] : std::string_view();
        if (isOneOf(before, {"v1", "v2"}))
            return Cut{kept - 1};
        if (isAnthropic && tail.front() == "messages")
            return Cut{kept, false};
    }
    return {};
}

std::optional<Cut> cutOpenAi(const Segments &segments)
{
    // The first four are endpoints wherever they stand; others could be part of an address ("https://NAME.services.ai.azure.com/models").
    static const std::vector<Segments> tails{
        {"chat", "completions"}, {"completions"}, {"responses"}, {"embeddings"}, {"models"}, {"responses", "compact"}, {"images", "generations"}, {"images", "edits"},
        {"images", "variations"}, {"audio", "transcriptions"}, {"audio", "translations"}, {"audio", "speech"}, {"moderations"}, {"files"}, {"batches"}, {"assistants"}, {"threads"},
        {"ocr"}, {"realtime"}, {"fim", "completions"},
    };
    constexpr size_t unmistakable = 4;
    for (size_t i = 0; i < tails.size(); ++i) {
        if (!endsIn(segments, tails[i]))
            continue;
        const size_t kept = segments.size() - tails[i].size();
        const std::string_view before = kept > 0 ? segments[kept - 1] : std::string_view();
        if (isVersionSegment(before) || before == "openai")
            return Cut{kept};
        if (i < unmistakable && before != "fim")
            return Cut{kept, false};
    }
    return {};
}

std::optional<Cut> cutOf(const Segments &segments, std::string_view api)
{
    if (api == "azure")
        return cutAzure(segments);
    if (const auto cut = cutBedrock(segments))
        return cut;
    if (const auto cut = cutGoogle(segments, api == "gemini"))
        return cut;
    if (const auto cut = cutVersioned(segments, api == "anthropic"))
        return cut;
    return cutOpenAi(segments);
}

void shorten(ProviderUrl *out, std::string_view api)
{
    // Until nothing is left to cut: what is stored is read again at each use, and must stay the same then.
    while (const auto cut = cutOf(segmentsOf(out->url.path), api)) {
        const Segments segments = segmentsOf(out->url.path);
        std::string path;
        for (size_t i = 0; i < cut->kept; ++i)
            path.append("/").append(segments[i]);
        while (path.ends_with('/'))
            path.pop_back();
        out->isShortened = true;
        out->url.path = std::move(path);
        if (!out->versionSegment)
            out->versionSegment = cut->versionSegment;
    }
}

PathForm formOf(const ProviderUrl &read, const ProviderProfile &profile)
{
    if (profile.api == "azure")
        return PathForm::Azure;
    std::optional<bool> has = read.versionSegment ? read.versionSegment : profile.versionSegment;
    if (!has && profile.api == "openai" && anyGlobMatches(profile.hostsWithoutVersion, read.url.host + read.url.path))
        has = false;
    if (!has)
        return PathForm::ByBasePath;
    return *has ? PathForm::WithVersion : PathForm::WithoutVersion;
}

} // namespace

std::string ProviderUrl::note() const
{
    if (!isShortened)
        return {};
    return "'base_url' was shortened to " + url.text() + ", because the path of an endpoint is added to it with each request"
           + (versionSegment == std::optional(false) ? ". Requests go there without /v1." : ".");
}

Result<ProviderUrl> readProviderUrl(std::string_view text, const ProviderProfile &profile, std::optional<bool> versionSegment)
{
    Result<BaseUrl> url = parseBaseUrl(text);
    if (!url)
        return url.error();
    ProviderUrl out{std::move(*url), versionSegment};
    shorten(&out, profile.api);
    if (!out.url.query.empty() && profile.api != "azure") {
        if (!out.isShortened)
            return Error{ErrorKind::Invalid, "invalid_field", "must not contain a query; only Azure addresses may, like ?api-version=2024-10-21 with the provider azure", "base_url"};
        out.url.query.clear(); // the endpoint's
    }
    out.url.form = formOf(out, profile);
    return out;
}

const char *refusedHost(const BaseUrl &url, const HostRules &rules)
{
    const bool isName = !IpAddress::parseHost(url.host);
    switch (judgeHost(url.host, !url.tls, rules)) {
    case HostVerdict::Metadata:
        return "must not be a cloud metadata address";
    case HostVerdict::LinkLocal:
        return "must not be a link-local address (ALLOW_LINK_LOCAL_UPSTREAM=true lifts that)";
    case HostVerdict::Allowed:
        if (url.tls || !isName || rules.allowInsecure || isLocalhostName(url.host))
            return nullptr;
        break;
    case HostVerdict::Insecure:
        break;
    }
    return "may use http:// only for loopback and private addresses (ALLOW_INSECURE_UPSTREAM=true lifts that); use https://";
}

} // namespace llmproxy
