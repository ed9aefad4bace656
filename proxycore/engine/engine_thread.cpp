// SPDX-License-Identifier: GPL-3.0-only
#include "engine/engine_thread.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/threads.h"
#include "engine/demo_server.h"
#include "exchange/credential.h"
#include "exchange/exchange.h"
#include "front/plain_handlers.h"
#include "front/routes.h"
#include "front/run_listener.h"

#include <algorithm>

namespace llmproxy {

namespace {

// How often a draining thread looks whether it is idle.
constexpr int64_t drainCheckMs = 10;

std::shared_ptr<RequestOutcome> headOutcome(const Peer &peer, const RequestHead &head, int status, Reason reason, SentCredential &&sent)
{
    auto outcome = std::make_shared<RequestOutcome>();
    outcome->result = OutcomeResult::Denied;
    outcome->reason = reason;
    outcome->status = status;
    outcome->token = std::move(sent.token);
    outcome->tokenState = sent.tokenState;
    outcome->maskedToken = std::move(sent.masked);
    outcome->clientIp = peer.text;
    outcome->id = randomUuid();
    outcome->requestId = head.requestId;
    if (head.isWhole) { // else nothing of it is checked
        const size_t most = outcome->token ? longestText : longestOfStranger;
        outcome->method = head.method;
        outcome->endpoint = recordedPath(head.path, most);
        outcome->userAgent = recordedUserAgent(head.headers.value("user-agent"), most);
    }
    outcome->endedMs = Clock::wallMs();
    outcome->timings.acceptedUs = outcome->timings.endUs = Clock::steadyUs() - head.beganUs;
    return outcome;
}

} // namespace

EngineThread::EngineThread(int number, const FrontConfig &front, const FrontHooks &sharedHooks, const DialConfig &dial,
                           const ExchangeContext &shared, const std::atomic<int> &watchers, AuditLog &audit, OutcomeMeter meter, const Secret &tokenHashKey, const SnapshotHolder &snapshots,
                           const DoorConfig &door)
    : m_number(number), m_snapshots(snapshots), m_pool(m_poller, dial), m_hasher(tokenHashKey), m_live(watchers),
      m_outcomes(audit, m_poller, m_live, std::move(meter)),
      m_context(shared), m_door(door),
      m_drainCheck(m_poller, [this] { checkDrained(); })
{
    m_context.snapshots = &m_snapshots;
    m_context.upstream = &m_pool;
    m_context.outcomes = &m_outcomes;
    m_context.hasher = &m_hasher;
    m_context.runningCount = &m_runningCount;
    FrontHooks hooks = sharedHooks;
    hooks.refused = [this, management = sharedHooks.refused](const Peer &peer, const RequestHead &head, const Refusal &refusal) {
        SentCredential sent = readCredential(head, *m_snapshots.current(), m_hasher, nullptr);
        if (head.path.empty() || routeOf(head.path) == ServedBy::Exchange || sent.token)
            tellRefused(peer, headOutcome(peer, head, refusal.status, refusal.code, std::move(sent)), nullptr);
        else
            management(peer, head, refusal);
    };
    // An access token that comes to the management API is no stranger's (ruling 47).
    m_door.failed = [this, ofStranger = door.failed](const Peer &peer, const RequestHead &head, int status, Reason reason, AuditLog::Written written) {
        SentCredential sent = readCredential(head, *m_snapshots.current(), m_hasher, nullptr);
        if (!sent.token) {
            ofStranger(peer, head, status, reason, std::move(written));
            return;
        }
        const bool isOfCredential = reason == Reason::InvalidToken;
        const Reason told = isOfCredential && sent.tokenState != Reason::None ? sent.tokenState : reason;
        const std::shared_ptr<RequestOutcome> outcome = headOutcome(peer, head, status, told, std::move(sent));
        outcome->result = isOfCredential || reason == Reason::MissingToken ? OutcomeResult::Failure : OutcomeResult::Denied;
        outcome->phase = OutcomePhase::Decision;
        tellRefused(peer, outcome, std::move(written));
    };
    m_door.openRunListener = [this](ServerStream &stream) { return std::make_unique<RunListener>(*m_server, stream); };
    FrontHooks plainHooks = hooks;
    hooks.makeHandler = [this](RequestHead &&head, ServerStream &stream) -> std::unique_ptr<RequestHandler> {
        if (stream.peer().privateListener != 0) // tokens alone: /manage is a path that nobody serves
            return std::make_unique<Exchange>(m_context, std::move(head), stream);
        if (const std::string &webroot = m_server->config().acmeWebroot; !webroot.empty() && head.path.starts_with(acmePrefix))
            return std::make_unique<AcmeHandler>(webroot, std::move(head), stream);
        if (routeOf(head.path) == ServedBy::Management || stream.peer().localSocket)
            return std::make_unique<ManagementDoor>(m_door, std::move(head), stream);
        return std::make_unique<Exchange>(m_context, std::move(head), stream);
    };
    m_server = std::make_unique<Server>(m_poller, front, std::move(hooks));
    FrontConfig plain = front;
    plain.redirects = true;
    plainHooks.makeHandler = [this](RequestHead &&head, ServerStream &stream) -> std::unique_ptr<RequestHandler> {
        const FrontConfig &config = m_plainServer->config();
        if (!config.acmeWebroot.empty() && head.path.starts_with(acmePrefix))
            return std::make_unique<AcmeHandler>(config.acmeWebroot, std::move(head), stream);
        return std::make_unique<RedirectHandler>(config.httpsPort, std::move(head), stream);
    };
    m_plainServer = std::make_unique<Server>(m_poller, std::move(plain), std::move(plainHooks));
}

void EngineThread::tellRefused(const Peer &peer, const std::shared_ptr<RequestOutcome> &outcome, AuditLog::Written written)
{
    outcome->isSummarized = !m_context.isRecorded(*outcome, peer.address);
    m_outcomes.tell(outcome, std::move(written));
}

void EngineThread::redirectOn(int fd)
{
    m_plainServer->listenOn(fd, false);
}

EngineThread::~EngineThread()
{
    join();
}

void EngineThread::listenOn(int fd, bool localSocket)
{
    m_server->listenOn(fd, localSocket);
}

void EngineThread::serveDemoOn(int fd)
{
    FrontHooks hooks;
    hooks.makeHandler = [](RequestHead &&head, ServerStream &stream) {
        return std::make_unique<DemoHandler>(std::move(head), stream);
    };
    m_demoServer = std::make_unique<Server>(m_poller, m_server->config(), std::move(hooks));
    m_demoServer->listenOn(fd, true);
}

void EngineThread::run()
{
    m_thread = makeThread("engine-" + std::to_string(m_number), [this] { m_poller.run(); });
}

void EngineThread::drain(int64_t timeoutMs)
{
    m_poller.post([this, timeoutMs] {
        m_drainUntilUs = Clock::steadyUs() + timeoutMs * 1000;
        m_server->drain();
        m_plainServer->drain();
        checkDrained();
    });
}

void EngineThread::checkDrained()
{
    const bool late = Clock::steadyUs() >= m_drainUntilUs;
    if (m_server->busyCount() > 0 && !late) {
        m_drainCheck.start(drainCheckMs);
        return;
    }
    m_server->killAll();
    m_plainServer->killAll();
    if (m_demoServer) {
        m_demoServer->stopListening();
        m_demoServer->killAll();
    }
    m_poller.stop();
}

void EngineThread::cut(const std::vector<std::string> &tokenIds, Reason reason)
{
    m_poller.post([this, tokenIds, reason] {
        for (Exchange *exchange : runningOf(tokenIds))
            exchange->cut(reason);
    });
}

void EngineThread::renewExpiry(const std::string &tokenId)
{
    m_poller.post([this, tokenId] {
        for (Exchange *exchange : runningOf({tokenId}))
            exchange->renewExpiry();
    });
}

void EngineThread::forgetOldSnapshot()
{
    m_poller.post([this] { m_snapshots.current(); });
}

std::vector<Exchange *> EngineThread::runningOf(const std::vector<std::string> &tokenIds) const
{
    std::vector<Exchange *> found;
    for (Exchange *exchange = m_context.running; exchange; exchange = exchange->next()) {
        if (exchange->token() && std::find(tokenIds.begin(), tokenIds.end(), exchange->token()->id()) != tokenIds.end())
            found.push_back(exchange);
    }
    return found;
}

void EngineThread::visitLive(uint64_t afterSeq, Live done)
{
    m_poller.post([this, afterSeq, done = std::move(done)] {
        std::vector<LiveRequest> running;
        for (Exchange *exchange = m_context.running; exchange; exchange = exchange->next())
            running.push_back(exchange->live());
        std::erase_if(running, [](const LiveRequest &request) { return request.phase == "ended"; });
        uint64_t seq = afterSeq;
        std::vector<LiveRequest> ended = m_live.after(&seq);
        done(seq, std::move(running), std::move(ended));
    });
}

std::optional<LiveRequest> EngineThread::findHere(const std::string &id, bool end)
{
    for (Exchange *exchange = m_context.running; exchange; exchange = exchange->next()) {
        if (exchange->id() != id || exchange->live().phase == "ended")
            continue;
        LiveRequest found = exchange->live();
        if (end) {
            exchange->cut(Reason::Killed);
            found.phase = "ended";
            found.result = "error";
            found.reason = nameOf(Reason::Killed);
        }
        return found;
    }
    return std::nullopt;
}

void EngineThread::find(const std::string &id, bool end, std::function<void(std::optional<LiveRequest>)> done)
{
    m_poller.post([this, id, end, done = std::move(done)] {
        std::optional<LiveRequest> found;
        guarded("engine", [&] { found = findHere(id, end); }); // whoever asks waits for an answer
        done(std::move(found));
    });
}

void EngineThread::join()
{
    if (m_thread.joinable())
        m_thread.join();
}

} // namespace llmproxy
