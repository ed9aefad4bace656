// SPDX-License-Identifier: GPL-3.0-only
#include "upstream/provider_ask.h"

#include "base/clock.h"
#include "base/curl_handles.h"
#include "upstream/connection.h"

#include <algorithm>

namespace llmproxy {

namespace {

constexpr long connectMs = 10'000;
constexpr size_t mostBytes = 4 << 20;

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

ProviderSaid failed(CURLcode code, const Body &body, const std::string &origin)
{
    const auto answer = [&origin](const char *reason, std::string message) { return ProviderSaid{0, {}, origin, reason, std::move(message)}; };
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
ProviderSaid notDialled(Reason reason, const std::string &origin)
{
    const auto answer = [&origin](const char *why, std::string message) { return ProviderSaid{0, {}, origin, why, std::move(message)}; };
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

HeaderList headersOf(const ProviderProfile &profile, const ProviderAsk &ask)
{
    HeaderList headers;
    addHeader(headers, "User-Agent: llm-proxy/" LLM_PROXY_VERSION);
    addHeader(headers, "Accept: application/json");
    if (!ask.body.empty())
        addHeader(headers, "Content-Type: application/json");
    if (profile.api == "anthropic")
        addHeader(headers, "anthropic-version: 2023-06-01");
    if (ask.key && profile.auth != AuthForm::None)
        addCredential(headers, profile.auth, *ask.key);
    return headers;
}

void setUp(CURL *handle, const std::string &url, const ProviderAsk &ask, const HeaderList &headers, Body &body)
{
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE}); // the proxy gets no key
    if (!ask.body.empty()) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.body.size()));
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, ask.body.data());
    }
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &takeBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
}

} // namespace

ProviderSaid askOnce(const ProviderProfile &profile, const ProviderAsk &ask, const DialConfig &config, int64_t untilMs, const std::atomic<bool> &cancelled)
{
    const CurlHandle handle(curl_easy_init());
    if (!handle)
        return {0, {}, {}, "unexpected_answer", "libcurl cannot be started; restart the server."};
    const DialTarget target(ask.url, profile.unixSocket);
    const std::string origin = originOf(target), query = joinQuery(ask.url.query, ask.query);
    const std::string url = origin + joinPath(ask.url, ask.path) + (query.empty() ? "" : "?" + query);
    const auto leftMs = [untilMs] { return std::max<int64_t>(untilMs - Clock::steadyMs(), 1); };
    ConnectionPlan plan(target, config);
    if (const Reason reason = plan.lookUp(config.resolver, std::min<int64_t>(connectMs, leftMs()), [&] { return cancelled.load(); }); reason != Reason::None)
        return notDialled(reason, origin);
    const HeaderList headers = headersOf(profile, ask);
    Body body;
    plan.prepare(handle.get());
    setUp(handle.get(), url, ask, headers, body);
    curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT_MS, connectMs);
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(leftMs()));
    curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, &isCancelled);
    curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, const_cast<std::atomic<bool> *>(&cancelled));
    const CURLcode code = curl_easy_perform(handle.get());
    wipeAll(headers);
    if (code != CURLE_OK)
        return failed(code, body, origin);
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    return {static_cast<int>(status), std::move(body.bytes), origin, {}, {}};
}

} // namespace llmproxy
