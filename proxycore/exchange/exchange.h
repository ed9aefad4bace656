// SPDX-License-Identifier: GPL-3.0-only
// One data-plane request on its way: the steps of path.cpp decide, forward sends it on, relay brings the
// answer, and every end goes through conclude(): meter and audit. Owned by its connection.
// Thread: its engine thread.
#pragma once

#include "base/recycled.h"
#include "exchange/context.h"
#include "exchange/stream_usage.h"
#include "front/stream.h"
#include "exchange/outcome.h"
#include "limits/lease.h"
#include "upstream/call.h"
#include "usage/content_decoder.h"
#include "usage/text_meter.h"
#include "usage/usage.h"

#include <memory>
#include <string>
#include <vector>

namespace llmproxy {

// What a step says. A step that forgets to say Next stops the request.
enum class Verdict { Stop, Wait, Next };

// Which provider the path asks for (ruling 10), before the project is known.
struct PathRoute
{
    std::string provider; // by name; empty: by api
    std::string api;      // openai, anthropic, gemini, azure, bedrock
    std::string rest;     // the path without the provider's name
};

class Exchange final : public RequestHandler, public UpstreamEvents, public Recycled<Exchange>
{
public:
    Exchange(ExchangeContext &context, RequestHead &&head, ServerStream &stream);
    ~Exchange() override;

    const TokenPtr &token() const { return m_token; }
    const std::string &id() const { return m_id; } // ours, unique: a client may send another's X-Request-ID
    LiveRequest live() const;
    Exchange *next() const { return m_next; } // of the thread's running ones
    // Revoked, deactivated, expired or killed: broken off with RST, no bytes added.
    void cut(Reason reason);
    // The token's expiry was changed.
    void renewExpiry();

    // RequestHandler
    void start() override;
    void onBody(std::string_view bytes) override;
    void onBodyEnd() override;
    void onBodyFault(const Refusal &fault) override;
    void onWritable() override;
    void onClientGone() override;
    void onShutdown() override;
    // UpstreamEvents
    void onUpstreamHead(ResponseHead &&head, const ResponseFraming &framing) override;
    void onUpstreamBody(std::string_view bytes) override;
    void onUpstreamRead() override;
    void onUpstreamEnd() override;
    void onUpstreamFault(const UpstreamFault &fault) override;
    void onUpstreamWritable() override;
    void onUpstreamBroken() noexcept override;

private:
    friend struct Path;
    // The steps; each in its own file. The order stands in path.cpp.
    Verdict refuseUpgrade();
    Verdict findRoute();
    Verdict answerPreflight();
    Verdict checkOrigin();
    Verdict checkStorage();
    Verdict readCredential();
    Verdict checkProject();
    Verdict checkAddress();
    Verdict checkEndpoint();
    void findProvider();
    Verdict checkSize();
    Verdict takeLimits();
    Verdict sayContinue();
    Verdict checkBody();
    Verdict forward();
    int64_t forwardsLeft() const;
    Verdict answerOptions();

    void advance();                              // runs steps until one does not say Next
    Verdict refuse(Refusal refusal);             // records, then answers
    Verdict refuse(Reason code, std::string message);
    Verdict refuse(Refusal refusal, OutcomeResult result);
    Verdict refuseCredential(Reason why);
    Reason lookAtCredential();
    OutcomeResult resultOf(const Refusal &refusal) const;
    int64_t largestForUsage() const;
    void letHeldBodyStream();
    bool asksUsage() const;
    Verdict judgeBody();                         // the held body is complete
    bool countDecoded();
    Verdict refuseForMemory();
    int64_t largestForRules() const;
    Verdict refuseAsTooLarge();
    bool hasModelRules() const;
    bool hasPathRules() const;                   // a method, endpoint or model rule
    bool modelAllowed(std::string_view model) const;
    bool queryModelsAllowed() const;
    Verdict judgePathModels(const std::vector<std::string> &models);
    const std::string &baseUrl() const;          // of m_provider and m_profile
    const ExchangeContext::Target *target() const; // valid until the next call
    bool mayGetKey(const DialTarget &target) const;
    std::string upstreamHead(const DialTarget &target);
    void readUsage(std::string_view bytes);
    Usage settledUsage() const;
    // The one exit. then runs on this thread when the event is written (ok) or could not be.
    void conclude(OutcomeResult result, int status, Reason reason, std::function<void(bool ok)> then);
    void answer(const std::function<void(bool ok)> &then, bool ok);
    std::shared_ptr<RequestOutcome> outcomeOf(OutcomeResult result, int status, Reason reason) const;
    void settleLimits(const RequestOutcome &outcome);
    OutcomePhase phase() const;
    OutcomeTimings timings() const;
    std::string toldModel() const;
    bool namesKey(std::string_view text) const;
    int64_t sinceBegan(int64_t us) const { return us == 0 ? -1 : us - m_head.beganUs; }
    int64_t durationMs() const;
    void releaseHeld();
    void countRunning(int64_t by);

    ExchangeContext &m_context;
    Exchange *m_previous = nullptr, *m_next = nullptr;
    RequestHead m_head;
    const std::string m_id;
    ServerStream &m_stream;
    int64_t m_startedUs;
    size_t m_step = 0;
    PathRoute m_route;
    SnapshotPtr m_snapshot;
    TokenPtr m_token;
    ProjectPtr m_project;
    const ProviderEntry *m_provider = nullptr; // of m_project
    const ProviderProfile *m_profile = nullptr;
    Reason m_tokenState = Reason::None; // of m_token: why it is not valid
    std::string m_maskedToken;
    std::string m_cleanQuery;    // without the credential
    Lease m_lease;
    Posted<UpstreamCall> m_call;
    JsonScanner m_modelScanner;  // looks for "model" in a body that streams through
    UsageReader m_usage;
    TextMeter m_requestText;     // of a JSON body
    std::unique_ptr<ContentDecoder> m_decoder; // of a compressed answer whose usage is read
    StreamUsageFilter m_usageFilter;
    std::string m_model;
    std::string m_held;          // a body that is looked at whole
    int64_t m_heldCounted = 0;
    Timer m_expiry;
    int m_upstreamStatus = 0;
    int64_t m_admittedUs = 0, m_firstByteUs = 0; // 0: not yet
    bool m_complete = false; // the answer came to its end
    int64_t m_requestBytes = 0;
    bool m_holding = false;
    bool m_holdsForUsage = false; // no rule needs it: may stream after all
    bool m_bodyEnded = false;
    int64_t m_forwardsLeft = -1; // of Max-Forwards
    bool m_readsUsage = false;
    bool m_metersText = false;
    bool m_wantsPlain = false;   // asks the provider not to compress (ruling 17)
    bool m_filterUsage = false;
    bool m_forwarded = false;
    bool m_sawCredential = false;
    bool m_concluded = false;
    bool m_answerDue = false; // what conclude() was given to run is still to come
    std::shared_ptr<Exchange *> m_self; // null inside when this is gone
};

} // namespace llmproxy
