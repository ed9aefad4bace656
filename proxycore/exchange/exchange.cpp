// SPDX-License-Identifier: GPL-3.0-only
// The way in and the one way out. Steps stand in their own files, the relay in relay.cpp.
#include "exchange/exchange.h"

#include "base/clock.h"
#include "base/masking.h"

namespace llmproxy {

namespace {

constexpr std::string_view modelKey[] = {"model"};

} // namespace

Exchange::Exchange(ExchangeContext &context, RequestHead &&head, ServerStream &stream)
    : m_context(context), m_head(std::move(head)), m_stream(stream), m_startedUs(Clock::steadyUs()),
      m_snapshot(context.snapshots->current()),
      m_modelScanner(modelKey, 1, [this](std::string_view, std::string_view raw, int) {
          if (m_model.empty())
              m_model = raw;
      }),
      m_expiry(stream.poller(), [this] { cut("token_expired"); }),
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

Verdict Exchange::refuse(std::string_view code, std::string message)
{
    return refuse(refusal(code, std::move(message)));
}

Verdict Exchange::refuse(Refusal refusal)
{
    if (m_concluded)
        return Verdict::Stop;
    const std::string result = refusal.result;
    const std::string reason = refusal.reason.empty() ? refusal.code : refusal.reason;
    const int status = refusal.status;
    conclude(result, status, reason, [this, refusal = std::move(refusal)](bool ok) {
        if (ok) {
            m_stream.refuse(refusal);
            return;
        }
        Refusal trouble = llmproxy::refusal("service_unavailable", "the audit log cannot be written; try again");
        trouble.retryAfter = 1;
        m_stream.refuse(trouble);
    });
    return Verdict::Stop;
}

void Exchange::conclude(std::string_view result, int status, std::string_view reason, std::function<void(bool ok)> then)
{
    m_concluded = true;
    m_expiry.stop();
    if (m_call)
        m_forwarded = m_call->headWritten();
    // Ruling 23: unreachable, and 429 or 5xx before the first byte, are given back.
    const bool counts = countsTowardsQuota(m_forwarded, m_upstreamStatus, result, reason);
    if (!m_call && m_lease.isHeld())
        m_lease.giveBack(); // refused after the limits were charged
    m_lease.settle(counts);
    m_lease.release();
    releaseHeld();
    if (m_token && m_forwarded) {
        LineageState &state = *m_token->state;
        state.lastUsedMs.store(Clock::wallMs(), std::memory_order_relaxed);
        if (m_usage.usage().promptTokens > 0)
            state.promptTokens.fetch_add(m_usage.usage().promptTokens, std::memory_order_relaxed);
        if (m_usage.usage().completionTokens > 0)
            state.completionTokens.fetch_add(m_usage.usage().completionTokens, std::memory_order_relaxed);
    }
    std::function<void(bool)> written;
    if (then) {
        // Comes back from the audit thread; this may be gone by then, the poller is not.
        written = [poller = &m_stream.poller(), self = m_self, then = std::move(then)](bool ok) {
            poller->post([self, then, ok] {
                if (*self)
                    then(ok);
            });
        };
    }
    m_context.audit->record(accessEvent(result, status, reason), std::move(written));
    if (!m_context.live->isWatched())
        return;
    LiveRequest ended = live();
    ended.status = status;
    ended.result = result;
    ended.reason = reason;
    m_context.live->add(std::move(ended));
}

LiveRequest Exchange::live() const
{
    LiveRequest out;
    out.id = m_head.requestId;
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
    out.promptTokens = m_usage.usage().promptTokens;
    out.completionTokens = m_usage.usage().completionTokens;
    out.streamedEvents = m_usage.events();
    return out;
}

// What was asked for, else what the answer names; a provider may name anything, the key that it got included.
std::string Exchange::toldModel() const
{
    const std::string &told = !m_model.empty() ? m_model : m_usage.usage().model;
    const bool isKey = m_provider && m_provider->key && !m_provider->key->isEmpty() && told.find(m_provider->key->reveal()) != std::string::npos;
    return isKey ? "invalid" : told;
}

AuditEvent Exchange::accessEvent(std::string_view result, int status, std::string_view reason) const
{
    AuditEvent event(Action::TokenAccess, "client", result);
    event.timestampMs = Clock::wallMs();
    event.projectId = m_token ? std::string(m_token->projectId()) : std::string();
    event.requestId = m_head.requestId;
    event.clientIp = m_stream.peer().text;
    event.details.reserve(18);
    event.ownText("http_method", m_head.method); // one of seven
    event.ownText("endpoint", redactPath(m_head.path));
    event.ownValue("status", int64_t{status});
    event.ownValue("duration_ms", durationMs());
    event.ownText("token_id", m_maskedToken);
    event.userAgent(m_head.headers.value("user-agent"));
    event.ownText("reason", std::string(reason));
    if (m_profile)
        event.ownText("provider", m_profile->name);
    event.model(toldModel());
    if (m_usage.usage().promptTokens >= 0)
        event.ownValue("prompt_tokens", m_usage.usage().promptTokens);
    if (m_usage.usage().completionTokens >= 0)
        event.ownValue("completion_tokens", m_usage.usage().completionTokens);
    event.ownValue("request_bytes", m_requestBytes);
    event.ownValue("response_bytes", m_stream.headSent() ? m_stream.bytesSent() : int64_t{0});
    event.ownValue("forwarded", m_forwarded);
    if (m_upstreamStatus > 0)
        event.ownValue("upstream_status", int64_t{m_upstreamStatus});
    if (m_token)
        event.ownText("token_uuid", std::string(m_token->id()));
    return event;
}

int64_t Exchange::durationMs() const
{
    return (Clock::steadyUs() - m_startedUs) / 1000;
}

void Exchange::releaseHeld()
{
    if (m_heldCounted > 0)
        m_context.heldBytes->fetch_sub(m_heldCounted);
    m_heldCounted = 0;
    std::string().swap(m_held);
}

void Exchange::cut(const std::string &reason)
{
    if (m_concluded)
        return;
    if (m_call)
        m_call->cancel();
    conclude("error", m_stream.headSent() ? m_upstreamStatus : 0, reason == "token_expired" ? "stream_cut" : reason, nullptr);
    m_stream.abort();
}

void Exchange::renewExpiry()
{
    const TokenPtr now = m_token ? m_context.snapshots->current()->tokenById(m_token->id()) : nullptr;
    if (now && !m_concluded)
        m_expiry.start(now->terms.expiresMs - Clock::wallMs());
}

void Exchange::onShutdown()
{
    cut("shutdown");
}

void Exchange::onClientGone()
{
    if (m_concluded)
        return;
    if (m_call)
        m_call->cancel();
    // 499: nginx's number for a client that closed before the answer.
    conclude("error", m_stream.headSent() ? m_upstreamStatus : 499, "client_cancelled", nullptr);
}

} // namespace llmproxy
