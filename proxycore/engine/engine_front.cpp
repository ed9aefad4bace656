// SPDX-License-Identifier: GPL-3.0-only
// The network side: what front is told, and who answers what.
#include "engine/engine_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "engine/listen_plan.h"
#include "engine/live_feed.h"
#include "manage/route_table.h"
#include "upstream/models_list.h"

#include <algorithm>

namespace llmproxy {

namespace {

Refusal tooMany(const RateDecision &rate, const char *message)
{
    Refusal answer = refusal(Reason::RateLimitExceeded, message);
    answer.retryAfter = rate.retryAfterSeconds;
    answer.rateLimit = rate.limit;
    answer.rateRemaining = 0;
    answer.rateReset = rate.resetSeconds;
    return answer;
}

} // namespace

DialConfig Engine::Private::dialConfig() const
{
    return {settings.httpsProxy, settings.httpProxy, settings.noProxy, settings.sslCertFile, {settings.allowLinkLocalUpstream, settings.allowInsecureUpstream}, resolver.get()};
}

FrontConfig Engine::Private::frontConfig(uint16_t port)
{
    FrontConfig front;
    front.head = {static_cast<size_t>(settings.maxHeaderCount), static_cast<size_t>(settings.maxTargetSize)};
    front.maxHeaderSize = static_cast<size_t>(settings.maxHeaderSize);
    front.maxRequestSize = settings.maxRequestSize;
    front.headTimeoutMs = settings.requestHeadTimeoutMs;
    front.bodyTimeoutMs = settings.requestBodyTimeoutMs;
    front.keepaliveTimeoutMs = settings.keepaliveTimeoutMs;
    front.writeTimeoutMs = settings.clientWriteTimeoutMs;
    front.allowedHosts = settings.allowedHosts;
    for (const ListenAddresses &all : {settings.listen, settings.httpListen}) {
        for (const ListenAddress &one : all) {
            if (one.isName()) // ruling 11
                front.allowedHosts.push_back(one.host);
        }
    }
    front.clients = {settings.clientAddressHeader, settings.trustedProxies};
    front.counts = &frontCounts;
    front.masksClientIp = settings.auditMaskClientIp;
    front.corsOrigins = settings.corsOrigins;
    front.tls = tls.get();
    front.httpsPort = port;
    front.acmeWebroot = settings.acmeWebroot;
    return front;
}

FrontHooks Engine::Private::frontHooks()
{
    FrontHooks hooks;
    hooks.admitRequest = [this](const Peer &peer) {
        Refusal answer;
        const RateDecision rate = addresses->takeRequest(peer.address, Clock::wallMs() * 1000);
        if (rate.allowed)
            return answer;
        return tooMany(rate, "too many requests from this address");
    };
    hooks.admitConnection = [this](const IpAddress &peer) { return addresses->connectionOpened(peer); };
    // Of management paths and strangers; each thread tells the others itself.
    hooks.refused = [this](const Peer &peer, const RequestHead &head, const Refusal &refusal) { authEvents->refused(peer, head, refusal.status, refusal.code); };
    hooks.connectionClosed = [this](const IpAddress &peer) { addresses->connectionClosed(peer); };
    return hooks;
}

DoorConfig Engine::Private::doorConfig()
{
    DoorConfig door;
    door.allowedIps = settings.managementAllowedIps;
    door.token = &managementToken;
    door.bridge = bridge.get();
    door.allow = [](const std::string &path) { return matchRoute({}, path).allow; };
    door.serves = [](const std::string &method, const std::string &path) { return matchRoute(method, path).route != nullptr; };
    door.accepted = [this](const Peer &peer, const RequestHead &head, int status) { authEvents->success(peer, head, status); };
    door.takeFailure = [this](const Peer &peer) {
        const RateDecision rate = addresses->takeAuthFailure(peer.address, Clock::wallMs() * 1000);
        return rate.allowed ? Refusal() : tooMany(rate, "too many failed authentications from this address");
    };
    // Of strangers; each thread tells what was sent with a token of ours itself.
    door.failed = [this](const Peer &peer, const RequestHead &head, int status, Reason reason, AuditLog::Written written) {
        authEvents->failure(peer, head, status, reason, std::move(written));
    };
    door.openFeed = [this](const RequestHead &head, ServerStream &stream, const std::string &actor) {
        authEvents->watched(stream.peer(), head, actor);
        return std::make_unique<LiveFeed>(threads, watchers, stopping, alerts.get(), stream);
    };
    return door;
}

void Engine::Private::makeThreads(size_t count, uint16_t port)
{
    ExchangeContext shared;
    // Of this process alone: another LLM Proxy in front of a provider is no loop.
    shared.config = {settings.maxRequestSize, settings.maxInspectedBody, "llm-proxy-" + randomBase62(8), settings.upstreamConnectTimeoutMs,
                     settings.upstreamFirstByteTimeoutMs, settings.upstreamIdleTimeoutMs};
    shared.profiles = &profiles;
    shared.addresses = addresses.get();
    shared.held = &held;
    shared.isRecorded = [this](const RequestOutcome &outcome, const IpAddress &client) { return authEvents->isRecorded(outcome, client); };
    shared.storageHealthy = [this] { return ready(); };

    const DialConfig dial = dialConfig();
    for (size_t i = 0; i < count; ++i)
        threads.push_back(std::make_unique<EngineThread>(static_cast<int>(i), frontConfig(port), frontHooks(), dial, shared, watchers, *audit,
                                                         [this](const RequestOutcome &outcome, int64_t seq) { meter(outcome, seq); }, keys->tokenHashKey(), snapshots, doorConfig()));
}

ProviderVerdict Engine::Private::askProvider(const ProviderQuestion &question, const std::atomic<bool> &cancelled) const
{
    const auto profile = profiles.find(question.provider);
    if (profile == profiles.end())
        return {"unexpected_answer", 0, "There is no provider profile of this name.", {}};
    ModelsAnswer answer = listModels(profile->second, question.baseUrl, question.versionSegment, question.key, dialConfig(), cancelled);
    return {std::move(answer.reason), answer.status, std::move(answer.message), std::move(answer.models), std::move(answer.proposal.baseUrl), answer.proposal.versionSegment};
}

Result<BaseUrlReading> Engine::Private::readBaseUrl(const std::string &provider, const std::string &text, std::optional<bool> versionSegment) const
{
    const auto profile = profiles.find(provider);
    if (profile == profiles.end())
        return Error{ErrorKind::Invalid, "invalid_field", "must be an address of a known provider profile", "base_url"};
    const Result<ProviderUrl> read = readProviderUrl(text, profile->second, versionSegment);
    if (!read)
        return read.error();
    if (const char *problem = refusedHost(read->url, dialConfig().hosts))
        return Error{ErrorKind::Invalid, "invalid_field", problem, "base_url"};
    return BaseUrlReading{read->url.text(), read->versionSegment, read->note()};
}

namespace {

Outcome listenFailure(std::string text, const char *setting)
{
    return Error{ErrorKind::Unavailable, "listen", std::move(text), setting};
}

void tellSkipped(const ListenPlan &plan)
{
    for (const ListenPlan::Skipped &one : plan.skipped)
        logInfo("not listening on this address of a name", {{"address", one.address}, {"why", one.why}});
}

// Clients are sent to the usual port, where that is one of several.
uint16_t httpsPortOf(const ListenPlan &plan)
{
    constexpr uint16_t usual = 443;
    const bool isUsed = std::any_of(plan.points.begin(), plan.points.end(), [](const ListenPoint &point) { return point.port == usual; });
    return isUsed || plan.points.empty() ? usual : plan.points.front().port;
}

} // namespace

Outcome Engine::Private::listenOnNetwork(const ListenPlan &plan)
{
    for (const auto &thread : threads) {
        for (ListenPoint point : plan.points) {
            ListenProblem problem;
            const int fd = openTcpListener(point, &point.port, &problem);
            if (fd < 0)
                return listenFailure(problem.text, "LISTEN_ADDR");
            thread->listenOn(fd, false);
        }
    }
    listening = plan.bound;
    const auto plain = planListeners(settings.httpListen);
    if (!plain)
        return listenFailure(plain.error().message, "HTTP_LISTEN_ADDR");
    tellSkipped(*plain);
    for (ListenPoint point : plain->points) {
        ListenProblem problem;
        const int fd = openTcpListener(point, &point.port, &problem);
        if (fd < 0)
            return listenFailure(problem.text, "HTTP_LISTEN_ADDR");
        threads.front()->redirectOn(fd);
    }
    redirecting = plain->bound;
    return {};
}

Outcome Engine::Private::listenLocally()
{
    std::string problem;
    if (options.controlSocket) {
        const int fd = openUnixListener(socketPath, &problem);
        if (fd < 0)
            return listenFailure(problem, "LISTEN_ADDR");
        threads.front()->listenOn(fd, true);
    }
    if (options.demo) {
        const int fd = openUnixListener(demoSocket(), &problem);
        if (fd < 0)
            return listenFailure(problem, "LISTEN_ADDR");
        threads.front()->serveDemoOn(fd);
    }
    return {};
}

Outcome Engine::Private::listen()
{
    const bool network = options.networkListener;
    if (!network && !options.controlSocket)
        return {};
    const auto plan = planListeners(network ? settings.listen : ListenAddresses());
    if (!plan)
        return listenFailure(plan.error().message, "LISTEN_ADDR");
    tellSkipped(*plan);
    makeThreads(network ? static_cast<size_t>(std::max(settings.engineThreads, 1)) : 1, httpsPortOf(*plan));
    if (network) {
        if (const Outcome error = listenOnNetwork(*plan))
            return error;
    }
    if (const Outcome error = listenLocally())
        return error;
    for (const auto &thread : threads)
        thread->run();
    return {};
}

} // namespace llmproxy
