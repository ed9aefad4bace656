// SPDX-License-Identifier: GPL-3.0-only
// The way in and the one way out. Steps stand in their own files, the relay in relay.cpp.
#include "exchange/exchange.h"

#include "base/clock.h"
#include "base/masking.h"
#include "base/random.h"
#include "exchange/provider_trouble.h"

namespace llmproxy {

namespace {

// The one path that a body that streams through is looked at for.
const JsonPaths &modelPath()
{
    static const JsonPaths paths = [] {
        JsonPaths made;
        made.add("model", 0, JsonPaths::Take::Value);
        return made;
    }();
    return paths;
}

} // namespace

Exchange::Exchange(ExchangeContext &context, RequestHead &&head, ServerStream &stream)
    : m_context(context), m_head(std::move(head)), m_id(randomUuid()), m_stream(stream), m_startedUs(Clock::steadyUs()),
      m_snapshot(context.snapshots->current()), m_call(stream.poller()),
      m_modelScanner(modelPath(), [this](int id, std::string_view raw) {
          if (id != JsonScanner::documentEnd && m_model.empty())
              m_model = raw;
      }),
      m_expiry(stream.poller(), [this] { cut(Reason::StreamCut); }, &stream.breakable()),
      m_self(std::make_shared<Exchange *>(this))
{
    m_next = m_context.running;
    if (m_next)
        m_next->m_previous = this;
    m_context.running = this;
    countRunning(1);
}

Exchange::~Exchange()
{
    if (!m_concluded) // no end goes past meter and audit
        onClientGone();
    *m_self = nullptr;
    countRunning(-1);
    if (m_next)
        m_next->m_previous = m_previous;
    (m_previous ? m_previous->m_next : m_context.running) = m_next;
    releaseHeld();
}

// One thread writes it: no locked instruction is needed.
void Exchange::countRunning(int64_t by)
{
    if (std::atomic<int64_t> *const count = m_context.runningCount)
        count->store(count->load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

void Exchange::start()
{
    advance();
}

Verdict Exchange::refuse(Reason code, std::string message)
{
    return refuse(refusal(code, std::move(message)));
}

OutcomeResult Exchange::resultOf(const Refusal &refusal) const
{
    if (refusal.isOurTrouble || (m_call && m_call->headWritten()))
        return OutcomeResult::Error;
    return refusal.status == 401 ? OutcomeResult::Failure : OutcomeResult::Denied;
}

Verdict Exchange::refuse(Refusal refusal)
{
    const OutcomeResult result = resultOf(refusal);
    return refuse(std::move(refusal), result);
}

Verdict Exchange::refuse(Refusal refusal, OutcomeResult result)
{
    if (m_concluded)
        return Verdict::Stop;
    const Reason reason = refusal.reason == Reason::None ? refusal.code : refusal.reason;
    const int status = refusal.status;
    conclude(result, status, reason, [this, refusal = std::move(refusal)](bool ok) {
        if (ok) {
            m_stream.refuse(refusal);
            return;
        }
        Refusal trouble = llmproxy::refusal(Reason::ServiceUnavailable, "the audit log cannot be written; try again");
        trouble.retryAfter = 1;
        m_stream.refuse(trouble);
    });
    return Verdict::Stop;
}

void Exchange::conclude(OutcomeResult result, int status, Reason reason, std::function<void(bool ok)> then)
{
    m_concluded = true;
    if (!m_sawCredential && reason != Reason::Preflight) // which is answered to anybody, and refuses nobody
        lookAtCredential();
    m_expiry.stop();
    if (m_call)
        m_forwarded = m_call->headWritten();
    const std::shared_ptr<RequestOutcome> outcome = outcomeOf(result, status, reason);
    outcome->isSummarized = outcome->isRefusal() && !m_context.isRecorded(*outcome, m_stream.peer().address);
    if (m_profile)
        logProviderTrouble(*outcome, baseUrl());
    settleLimits(*outcome);
    releaseHeld();
    std::function<void(bool)> written;
    if (then) {
        // Comes back from the audit thread; this may be gone by then, the poller is not.
        written = [poller = &m_stream.poller(), self = m_self, then = std::move(then)](bool ok) {
            poller->post([self, then, ok] {
                if (Exchange *const exchange = *self)
                    exchange->answer(then, ok);
            });
        };
    }
    const bool isAnswered = written != nullptr;
    m_context.outcomes->tell(outcome, std::move(written));
    m_answerDue = isAnswered;
}

// The event is written. Nobody else answers if this throws.
void Exchange::answer(const std::function<void(bool ok)> &then, bool ok)
{
    m_answerDue = false;
    runFor(&m_stream.breakable(), [&] { then(ok); });
}

void Exchange::settleLimits(const RequestOutcome &outcome)
{
    m_lease.settle(outcome.countsTowardsQuota());
    m_lease.release();
    if (!m_token || !outcome.forwarded)
        return;
    LineageState &state = *m_token->state;
    state.lastUsedMs.store(outcome.endedMs, std::memory_order_relaxed);
    if (outcome.usage.promptTokens > 0)
        state.promptTokens.fetch_add(outcome.usage.promptTokens, std::memory_order_relaxed);
    if (outcome.usage.completionTokens > 0)
        state.completionTokens.fetch_add(outcome.usage.completionTokens, std::memory_order_relaxed);
}

std::shared_ptr<RequestOutcome> Exchange::outcomeOf(OutcomeResult result, int status, Reason reason) const
{
    auto outcome = std::make_shared<RequestOutcome>();
    outcome->result = result;
    outcome->reason = reason;
    outcome->phase = phase();
    outcome->status = status;
    outcome->upstreamStatus = m_upstreamStatus;
    outcome->attempts = m_forwarded ? 1 : 0;
    outcome->forwarded = m_forwarded;
    outcome->token = m_token;
    outcome->tokenState = m_tokenState;
    outcome->maskedToken = m_maskedToken;
    outcome->clientIp = m_stream.peer().text;
    outcome->id = m_id;
    outcome->requestId = m_head.requestId;
    outcome->method = m_head.method;
    const size_t longest = m_token ? longestText : longestOfStranger;
    outcome->endpoint = recordedPath(m_head.path, longest);
    outcome->userAgent = recordedUserAgent(m_head.headers.value("user-agent"), longest);
    if (m_profile)
        outcome->provider = m_profile->name;
    if (const std::string model = toldModel(); !model.empty())
        outcome->model = recordedModel(model);
    outcome->usage = settledUsage();
    outcome->streamedEvents = m_usage.events();
    outcome->requestBytes = m_requestBytes;
    outcome->responseBytes = m_stream.headSent() ? m_stream.bytesSent() : 0;
    outcome->endedMs = Clock::wallMs();
    outcome->timings = timings();
    outcome->durationMs = (outcome->timings.endUs - outcome->timings.acceptedUs) / 1000;
    return outcome;
}

OutcomePhase Exchange::phase() const
{
    if (m_complete)
        return OutcomePhase::Complete;
    if (m_stream.headSent())
        return OutcomePhase::Streaming;
    if (!m_call)
        return OutcomePhase::Decision;
    return m_call->dialledUs() == 0 ? OutcomePhase::Dialling : OutcomePhase::Waiting;
}

OutcomeTimings Exchange::timings() const
{
    OutcomeTimings timings;
    timings.acceptedUs = sinceBegan(m_startedUs);
    timings.admittedUs = sinceBegan(m_admittedUs);
    if (m_call) {
        timings.dialledUs = sinceBegan(m_call->dialledUs());
        timings.firstByteUpUs = sinceBegan(m_call->firstByteUs());
    }
    timings.firstByteDownUs = sinceBegan(m_firstByteUs);
    timings.endUs = sinceBegan(Clock::steadyUs());
    return timings;
}

LiveRequest Exchange::live() const
{
    LiveRequest out;
    out.id = m_id;
    out.requestId = m_head.requestId;
    out.phase = m_concluded ? "ended" : m_stream.headSent() ? "streaming" : m_call ? "waiting" : "receiving";
    out.durationMs = durationMs();
    out.startedMs = Clock::wallMs() - out.durationMs;
    if (m_firstByteUs > 0)
        out.firstByteMs = (m_firstByteUs - m_startedUs) / 1000;
    out.method = m_head.method;
    out.endpoint = redactPath(m_head.path);
    out.clientIp = m_stream.peer().text;
    out.tokenMasked = m_maskedToken;
    if (m_token) {
        out.tokenUuid = m_token->id();
        out.projectId = m_token->projectId();
    }
    if (m_profile)
        out.provider = m_profile->name;
    out.model = redactText(toldModel()).substr(0, 128);
    out.status = m_stream.headSent() ? m_upstreamStatus : 0;
    out.requestBytes = m_requestBytes;
    out.responseBytes = m_stream.headSent() ? m_stream.bytesSent() : 0;
    const Usage usage = m_usage.usage();
    out.promptTokens = usage.promptTokens;
    out.completionTokens = usage.completionTokens;
    out.streamedEvents = m_usage.events();
    return out;
}

// What was asked for, else what the answer names; a provider may name anything, the key that it got included.
std::string Exchange::toldModel() const
{
    const std::string &told = !m_model.empty() ? m_model : m_usage.model();
    return namesKey(told) ? "invalid" : told;
}

bool Exchange::namesKey(std::string_view text) const
{
    return m_provider && m_provider->key && !m_provider->key->isEmpty() && text.find(m_provider->key->reveal()) != std::string_view::npos;
}

int64_t Exchange::durationMs() const
{
    return (Clock::steadyUs() - m_startedUs) / 1000;
}

void Exchange::releaseHeld()
{
    if (m_heldCounted > 0)
        m_context.held->give(*m_token->state, m_heldCounted);
    m_heldCounted = 0;
    std::string().swap(m_held);
}

void Exchange::cut(Reason reason)
{
    if (m_concluded)
        return;
    runFor(&m_stream.breakable(), [this, reason] { // whoever is next in line is cut all the same
        if (m_call)
            m_call->cancel();
        conclude(OutcomeResult::Error, m_stream.headSent() ? m_upstreamStatus : 0, reason, nullptr);
        m_stream.abort();
    });
}

void Exchange::renewExpiry()
{
    const TokenPtr now = m_token ? m_context.snapshots->current()->tokenById(m_token->id()) : nullptr;
    if (now && !m_concluded)
        m_expiry.start(now->terms.expiresMs - Clock::wallMs());
}

void Exchange::onShutdown()
{
    cut(Reason::Shutdown);
}

void Exchange::onClientGone()
{
    if (m_concluded)
        return;
    if (m_call)
        m_call->cancel();
    // 499: nginx's number for a client that closed before the answer.
    conclude(OutcomeResult::Error, m_stream.headSent() ? m_upstreamStatus : 499, Reason::ClientCancelled, nullptr);
}

} // namespace llmproxy
