// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/models_list.h"

#include "base/clock.h"
#include "base/curl_handles.h"
#include "upstream/connection.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>

namespace llmproxy {

namespace {

constexpr long connectMs = 10'000, wholeMs = 20'000;
constexpr size_t mostBytes = 4 << 20, mostModels = 500, longestId = 128;

struct Body
{
    std::string bytes;
    bool isTooLong = false;
};

size_t takeBody(char *bytes, size_t size, size_t count, void *into)
{
    Body &body = *static_cast<Body *>(into);
    body.isTooLong = body.bytes.size() + size * count > mostBytes;
    if (body.isTooLong)
        return 0;
    body.bytes.append(bytes, size * count);
    return size * count;
}

int isCancelled(void *cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    return *static_cast<const std::atomic<bool> *>(cancelled) ? 1 : 0;
}

std::string_view pathOf(const std::string &api)
{
    if (api == "anthropic")
        return "/v1/models?limit=1000";
    if (api == "gemini")
        return "/v1beta/models?pageSize=1000";
    return api == "azure" ? "/openai/models?api-version=2024-10-21" : "/v1/models";
}

// The line with the key, and libcurl's copy of it in the list, are wiped by who made them.
void addCredential(HeaderList &headers, AuthForm form, const Secret &key)
{
    std::string line(credentialName(form));
    line.reserve(line.size() + key.size() + 16);
    line.append(form == AuthForm::Bearer ? ": Bearer " : ": ").append(key.reveal());
    addHeader(headers, line);
    wipe(line.data(), line.size());
}

void wipeAll(const HeaderList &headers)
{
    for (curl_slist *one = headers.get(); one; one = one->next)
        wipe(one->data, std::char_traits<char>::length(one->data));
}

bool isModelId(std::string_view id)
{
    return !id.empty() && id.size() <= longestId && std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

ModelsAnswer failed(CURLcode code, const Body &body, const std::string &origin)
{
    const auto answer = [](const char *reason, std::string message) { return ModelsAnswer{reason, 0, std::move(message), {}}; };
    if (body.isTooLong)
        return answer("unexpected_answer", origin + " answered with more than 4 MiB, which is no list of models; check the base URL.");
    if (isCertificateTrouble(code))
        return answer("certificate", "The certificate of " + origin + " cannot be trusted; check the address, or name its authority in SSL_CERT_FILE.");
    if (code == CURLE_OPERATION_TIMEDOUT)
        return answer("timeout", origin + " did not answer in time; check the address, the network and HTTPS_PROXY, or try again.");
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return answer("unreachable", "The server is shutting down. Try again when it has restarted.");
    if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL)
        return answer("unexpected_answer", origin + " does not speak HTTP; check the base URL.");
    return answer("unreachable", "No connection to " + origin + " comes about; check the address, the network and HTTPS_PROXY.");
}

// Before there was a connection.
ModelsAnswer notDialled(Reason reason, const std::string &origin)
{
    const auto answer = [](const char *why, std::string message) { return ModelsAnswer{why, 0, std::move(message), {}}; };
    if (reason == Reason::UpstreamConnectTimeout)
        return answer("timeout", "The name in " + origin + " was not resolved in time. Check the name server, the network and HTTPS_PROXY, or try again.");
    if (reason == Reason::UpstreamResolverBusy)
        return answer("unreachable", "Too many names are waiting to be resolved. Check the name server and the network, or try again.");
    if (reason == Reason::UpstreamMetadataAddress)
        return answer("unreachable", origin + " is a cloud metadata address, which is never connected to. Check the base URL.");
    if (reason == Reason::UpstreamLinkLocalAddress)
        return answer("unreachable", origin + " is a link-local address. Check the base URL, or set ALLOW_LINK_LOCAL_UPSTREAM=true.");
    if (reason == Reason::UpstreamInsecureAddress)
        return answer("unreachable", origin + " is a public address, where http:// would send the key unencrypted. Use https:// in the base URL.");
    return answer("unreachable", "The name in " + origin + ", or that of the proxy, is not known; check the address and HTTPS_PROXY.");
}

ModelsAnswer judged(const ProviderProfile &profile, int status, const std::string &body, const std::string &origin)
{
    ModelsAnswer answer;
    answer.status = status;
    const auto say = [&](const char *reason, std::string message) {
        answer.reason = reason;
        answer.message = std::move(message);
        return answer;
    };
    const std::string said = origin + " answered with status " + std::to_string(status);
    // Gemini says 400 where others say 401.
    if (status == 401 || status == 403 || (status == 400 && body.find("API_KEY_INVALID") != std::string::npos))
        return say("key_refused", said + ": it does not take this key; check that it is whole, active and of this provider.");
    if (status >= 300 && status < 400)
        return say("unexpected_answer", said + ", a redirect, which is not followed so that the key goes nowhere else; give the final address as base URL.");
    if (status == 404 || status == 405)
        return say("unexpected_answer", said + ": there is no list of models at this address; check the base URL.");
    if (status == 429)
        return say("unexpected_answer", said + ": too many requests, or nothing left to spend; look at the provider's account, or try again.");
    if (status >= 500)
        return say("unexpected_answer", said + ": the provider has trouble of its own; try again later.");
    if (status != 200 || !readModels(profile.api, body, &answer.models))
        return say("unexpected_answer", said + ", but not with a list of models; check the base URL.");
    return say("ok", "The provider takes the key and offers " + std::to_string(answer.models.size()) + (answer.models.size() == 1 ? " model." : " models."));
}

} // namespace

bool readModels(const std::string &api, std::string_view body, std::vector<std::string> *models)
{
    const QJsonObject root = QJsonDocument::fromJson(QByteArray::fromRawData(body.data(), static_cast<qsizetype>(body.size()))).object();
    const bool gemini = api == "gemini";
    const QJsonValue list = root.value(gemini ? QLatin1String("models") : QLatin1String("data"));
    if (!list.isArray())
        return false;
    const QJsonArray items = list.toArray();
    for (const QJsonValue &item : items) {
        std::string id = item.toObject().value(gemini ? QLatin1String("name") : QLatin1String("id")).toString().toStdString();
        if (gemini && id.starts_with("models/"))
            id.erase(0, 7);
        if (isModelId(id))
            models->push_back(std::move(id));
    }
    std::sort(models->begin(), models->end());
    models->erase(std::unique(models->begin(), models->end()), models->end());
    if (models->size() > mostModels)
        models->resize(mostModels);
    return true;
}

ModelsAnswer listModels(const ProviderProfile &profile, const std::string &baseUrl, const SharedSecret &key, const DialConfig &config,
                        const std::atomic<bool> &cancelled)
{
    Result<BaseUrl> base = parseBaseUrl(baseUrl.empty() ? profile.baseUrl : baseUrl);
    const CurlHandle handle(curl_easy_init());
    if (!base || !handle)
        return {"unexpected_answer", 0, base ? "libcurl cannot be started; restart the server." : "The base URL " + base.error().message + ".", {}};
    const std::string path = joinPath(base->path, pathOf(profile.api));
    const DialTarget target(std::move(*base), profile.unixSocket);
    const std::string origin = originOf(target), url = origin + path;
    const int64_t beganMs = Clock::steadyMs();
    ConnectionPlan plan(target, config);
    if (const Reason reason = plan.lookUp(config.resolver, connectMs, [&] { return cancelled.load(); }); reason != Reason::None)
        return notDialled(reason, origin);
    HeaderList headers;
    addHeader(headers, "User-Agent: llm-proxy/" LLM_PROXY_VERSION);
    addHeader(headers, "Accept: application/json");
    if (profile.api == "anthropic")
        addHeader(headers, "anthropic-version: 2023-06-01");
    if (key && profile.auth != AuthForm::None)
        addCredential(headers, profile.auth, *key);
    Body body;
    plan.prepare(handle.get());
    curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle.get(), CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle.get(), CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, connectMs);
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(wholeMs - std::min<int64_t>(Clock::steadyMs() - beganMs, connectMs)));
    curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle.get(), CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE}); // the proxy gets no key
    curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &takeBody);
    curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, &isCancelled);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, const_cast<std::atomic<bool> *>(&cancelled));
    const CURLcode code = curl_easy_perform(handle.get());
    wipeAll(headers);
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    return code == CURLE_OK ? judged(profile, static_cast<int>(status), body.bytes, origin) : failed(code, body, origin);
}

} // namespace llmproxy
