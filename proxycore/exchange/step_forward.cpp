// SPDX-License-Identifier: GPL-3.0-only
// Sends the request on: the provider's own path, credential and header form.
#include "exchange/exchange.h"

#include "upstream/provider_url.h"

#include <algorithm>
#include <charconv>

namespace llmproxy {

namespace {

// RFC 9110 section 7.6.1, what we frame ourselves, and what would tell the provider about our client.
constexpr std::string_view notForwarded[] = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "proxy-authorization", "proxy-authenticate", "host", "content-length", "expect", "forwarded", "x-real-ip",
    "cookie", "authorization", "x-api-key", "api-key", "x-goog-api-key", "via",
};

bool startsWithIgnoreCase(std::string_view text, std::string_view prefix)
{
    return text.size() >= prefix.size() && equalsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

bool travels(const Header &header, std::string_view connection)
{
    for (const std::string_view name : notForwarded) {
        if (equalsIgnoreCase(header.name, name))
            return false;
    }
    if (startsWithIgnoreCase(header.name, "x-forwarded-"))
        return false;
    // RFC 9110 section 7.6.1: an option never names what is for all recipients. A rule judged the body by its Content-Type and
    // Content-Encoding, and so does the provider.
    return connection.empty() || startsWithIgnoreCase(header.name, "content-") || !listContains(connection, header.name);
}

// Routes whose answers have usage (ruling 17): those of OpenAI and its kind, Anthropic, Gemini and Vertex, Cohere and Voyage, Bedrock,
// Ollama. Other answers are looked at too, compressed or not.
bool hasUsage(std::string_view path)
{
    static constexpr std::string_view ends[] = {
        "/chat/completions", "/completions", "/responses", "/responses/compact", "/embeddings", "/images/generations", "/images/edits",
        "/images/variations", "/audio/transcriptions", "/audio/translations", "/ocr", "/messages", ":generateContent", ":streamGenerateContent",
        ":embedContent", ":batchEmbedContents", ":predict", "/interactions", "/chat", "/embed", "/rerank", "/multimodalembeddings", "/converse",
        "/converse-stream", "/invoke", "/api/generate",
    };
    return std::any_of(std::begin(ends), std::end(ends), [path](std::string_view end) { return path.ends_with(end); });
}

} // namespace

const std::string &Exchange::baseUrl() const
{
    return m_provider && !m_provider->baseUrl.empty() ? m_provider->baseUrl : m_profile->baseUrl;
}

// Null: not a URL that can be used. Kept by all that decides how it is read; changed base URLs leave a few behind, which is why there is an end.
const ExchangeContext::Target *Exchange::target() const
{
    constexpr size_t mostTargets = 1000;
    const std::string &text = baseUrl();
    const std::optional<bool> &version = m_provider->versionSegment;
    std::string name = m_profile->name;
    name.append(!version ? " " : *version ? "+" : "-").append(text);
    auto &known = m_context.targets;
    if (const auto found = known.find(name); found != known.end())
        return &found->second;
    Result<ProviderUrl> read = readProviderUrl(text, *m_profile, version);
    if (!read)
        return nullptr;
    if (known.size() >= mostTargets)
        known.clear();
    ExchangeContext::Target made{std::make_shared<const DialTarget>(std::move(read->url), m_profile->unixSocket), asksStreamUsage(*m_profile, m_provider->baseUrl)};
    return &(known[std::move(name)] = std::move(made));
}

// Ruling 50: a key goes to the origin it was given for, or its profile's own. Looked at where the request is sent, too: a base_url that
// was edited in the database passed no other check.
bool Exchange::mayGetKey(const DialTarget &target) const
{
    const std::string &wanted = m_provider->baseUrl;
    if (wanted.empty() || wanted == m_provider->keyUrl || !target.unixSocket.empty())
        return true;
    const std::string origin = target.url.origin();
    for (const std::string &allowed : {m_profile->baseUrl, m_provider->keyUrl}) {
        const auto url = parseBaseUrl(allowed);
        if (url && url->origin() == origin)
            return true;
    }
    return false;
}

std::string Exchange::upstreamHead(const DialTarget &target)
{
    std::string head = m_context.upstream->takeBuffer();
    const Dialler &dialler = m_context.upstream->dialler();
    const bool isForwarded = dialler.isForwarded(target);
    head.append(m_head.method).append(" ");
    if (isForwarded) // RFC 9112 section 3.2.2
        head.append("http://").append(target.authority);
    head.append(joinPath(target.url, m_route.rest));
    if (!m_cleanQuery.empty() || !target.url.query.empty())
        head.append("?").append(joinQuery(m_cleanQuery, target.url.query));
    head.append(" HTTP/1.1\r\nHost: ").append(target.authority).append("\r\n");
    if (isForwarded)
        head.append(dialler.proxyAuthorization());
    const std::string connection = m_head.headers.joined("connection");
    bool sawEncoding = false;
    for (const Header &header : m_head.headers) {
        if (!travels(header, connection))
            continue;
        if (m_wantsPlain && equalsIgnoreCase(header.name, "accept-encoding")) {
            if (!sawEncoding)
                head.append("Accept-Encoding: identity\r\n"); // ruling 17
            sawEncoding = true;
            continue;
        }
        if (m_forwardsLeft > 0 && equalsIgnoreCase(header.name, "max-forwards")) {
            head.append("Max-Forwards: ").append(std::to_string(m_forwardsLeft - 1)).append("\r\n");
            continue;
        }
        head.append(header.name).append(": ").append(header.value).append("\r\n");
    }
    const std::string via = m_head.headers.joined("via");
    head.append("Via: ").append(via).append(via.empty() ? "1." : ", 1.").append(std::to_string(m_head.minorVersion)).append(" ");
    head.append(m_context.config.viaName).append("\r\n");
    if (m_provider->key) {
        head.reserve(head.size() + m_provider->key->size() + 256); // nothing behind it makes the buffer grow: the old one would keep the key
        head.append(credentialName(m_profile->auth)).append(m_profile->auth == AuthForm::Bearer ? ": Bearer " : ": ");
        head.append(m_provider->key->reveal()).append("\r\n");
    }
    if (m_holding)
        head.append("Content-Length: ").append(std::to_string(m_held.size())).append("\r\n");
    else if (m_head.chunked)
        head.append("Transfer-Encoding: chunked\r\n");
    else if (m_head.contentLength >= 0)
        head.append("Content-Length: ").append(std::to_string(m_head.contentLength)).append("\r\n");
    else if (m_head.method == "POST" || m_head.method == "PUT" || m_head.method == "PATCH")
        head.append("Content-Length: 0\r\n"); // RFC 9110 section 8.6: servers may ask for it
    head.append("\r\n");
    return head;
}

// RFC 9110 section 7.6.2: how often an OPTIONS may still be forwarded; -1: nobody says.
int64_t Exchange::forwardsLeft() const
{
    const std::string_view value = m_head.method == "OPTIONS" ? m_head.headers.value("max-forwards") : std::string_view();
    int64_t left = -1;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), left);
    return read.ec == std::errc() && read.ptr == value.data() + value.size() && left >= 0 ? left : -1;
}

// We are the last that an OPTIONS was to reach.
Verdict Exchange::answerOptions()
{
    conclude(OutcomeResult::Success, 204, Reason::None, [this](bool ok) {
        if (!ok) {
            m_stream.abort();
            return;
        }
        ResponseHead head;
        head.status = 204;
        head.headers.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        m_stream.sendHead(head, std::nullopt);
        m_stream.finish();
    });
    return Verdict::Stop;
}

Verdict Exchange::forward()
{
    m_forwardsLeft = forwardsLeft();
    if (m_forwardsLeft == 0)
        return answerOptions();
    if (m_head.headers.joined("via").find(m_context.config.viaName) != std::string::npos) {
        Refusal loop = llmproxy::refusal(Reason::BadRequest, "the request came round in a circle: this project's base_url leads back here");
        loop.reason = Reason::Loop;
        return refuse(std::move(loop));
    }
    if (m_provider->keyState == KeyState::Pending) {
        Refusal pending = llmproxy::refusal(Reason::ServiceUnavailable, "the provider key of this project is being fetched; try again");
        pending.retryAfter = 1;
        pending.isOurTrouble = true;
        pending.reason = Reason::ProviderKeyPending;
        return refuse(std::move(pending));
    }
    const bool needsKey = m_profile->auth != AuthForm::None && !m_profile->keyOptional;
    const ExchangeContext::Target *const known = target();
    const std::shared_ptr<const DialTarget> url = known ? known->dial : nullptr;
    const bool isElsewhere = url && m_provider->key && !mayGetKey(*url);
    if (m_provider->keyState == KeyState::Unusable || (needsKey && !m_provider->key) || !url || isElsewhere) {
        Refusal trouble = llmproxy::refusal(Reason::ServiceUnavailable, url ? "the provider key of this project cannot be used at the moment; its owner has to enter it again"
                                                                       : "the project's provider has no usable base_url");
        trouble.retryAfter = 60;
        trouble.isOurTrouble = true;
        trouble.reason = url ? Reason::ProviderKeyUnusable : Reason::BaseUrlUnusable;
        return refuse(std::move(trouble));
    }
    m_readsUsage = m_head.method != "HEAD";
    m_wantsPlain = m_readsUsage && hasUsage(m_route.rest);
    UpstreamRequest request;
    request.target = url;
    request.head = upstreamHead(*url);
    request.chunkedBody = m_head.chunked && !m_holding;
    request.hasBody = m_holding ? !m_held.empty() : m_head.hasBody();
    request.isHead = m_head.method == "HEAD";
    const auto chosen = [](int64_t ofProfile, int64_t ofSetting) { return ofProfile > 0 ? ofProfile : ofSetting; };
    request.connectTimeoutMs = chosen(m_profile->connectTimeoutMs, m_context.config.connectTimeoutMs);
    request.firstByteTimeoutMs = chosen(m_profile->firstByteTimeoutMs, m_context.config.firstByteTimeoutMs);
    request.idleTimeoutMs = chosen(m_profile->idleTimeoutMs, m_context.config.idleTimeoutMs);
    m_call = std::make_unique<UpstreamCall>(*m_context.upstream, std::move(request), *this);
    m_call->start();
    if (m_holding && !m_concluded) {
        m_holding = false;
        m_call->sendBody(m_held);
        m_call->endBody();
        std::string().swap(m_held);
        if (m_call->backlog() < lowWaterBytes)
            releaseHeld(); // else it lives on in the call until the provider has read it
    }
    return Verdict::Stop; // the relay goes on from here
}

} // namespace llmproxy
