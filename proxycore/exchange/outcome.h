// SPDX-License-Identifier: GPL-3.0-only
// What happened to a data-plane request, as one typed value. It is built once for each end, a refused head's too, and told to
// audit (which makes the event of it), usage, quota, alerts and the live feed: nobody learns from an event what happened.
// Texts are as they may be recorded: redacted, cut, and without a query. Thread: immutable once it is told.
#pragma once

#include "access/token_entry.h"
#include "base/reason.h"
#include "usage/usage.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace llmproxy {

enum class OutcomeResult : uint8_t {
    Success, // forwarded, and an answer below 500 relayed to its end
    Failure, // no valid token
    Denied,  // refused by policy, limits or form
    Error,   // anything else after forwarding, and our own trouble
};

// How far it came.
enum class OutcomePhase : uint8_t {
    Head,      // refused by front: no whole head, a Host or an address that is not served
    Decision,  // refused by a step, or while its body arrived
    Dialling,  // no connection to the provider yet
    Waiting,   // not a byte of the answer yet
    Streaming, // the answer had begun
    Complete,  // relayed to its end
};

inline constexpr std::string_view resultWords[] = {"success", "failure", "denied", "error"};
constexpr std::string_view nameOf(OutcomeResult result)
{
    return resultWords[static_cast<size_t>(result)];
}

// Microseconds from the request's first byte; -1: it did not come so far.
struct OutcomeTimings
{
    int64_t acceptedUs = -1;      // the whole head was read
    int64_t admittedUs = -1;      // credential, policy and limits passed
    int64_t dialledUs = -1;       // a connection to the provider, new or kept
    int64_t firstByteUpUs = -1;   // the first byte sent to the provider
    int64_t firstByteDownUs = -1; // the head of its answer
    int64_t endUs = -1;

    std::array<int64_t, 6> all() const { return {acceptedUs, admittedUs, dialledUs, firstByteUpUs, firstByteDownUs, endUs}; }
};

struct RequestOutcome
{
    OutcomeResult result = OutcomeResult::Error;
    Reason reason = Reason::None; // None: success
    OutcomePhase phase = OutcomePhase::Head;
    int status = 0;         // what the client was told; 499: it left before (nginx's number)
    int upstreamStatus = 0; // 0: the provider gave no answer
    int attempts = 0;       // requests sent to a provider
    bool forwarded = false; // the provider may have parsed it

    // Not of a request that is counted here: refused management calls, which alerts alone look at, and stored events that say of
    // several refusals how many they were.
    bool isSummary = false;
    bool isOfCredential = false; // a summary's: each was a failed authentication
    // It has no event of its own; one says how many were refused (ruling 47).
    bool isSummarized = false;
    int64_t count = 1;

    // Who asked. Without a token: a stranger.
    TokenPtr token;
    Reason tokenState = Reason::None; // of one that is not valid any more: revoked, expired or superseded, whatever refused it
    std::string maskedToken; // of whatever was sent
    std::string clientIp;

    // What was asked for, and of whom.
    std::string id;         // ours, unique; not stored
    std::string requestId, method, endpoint, userAgent;
    std::string provider, model;

    Usage usage; // without its model
    int64_t streamedEvents = 0;
    int64_t requestBytes = 0, responseBytes = 0;
    int64_t endedMs = 0;    // wall clock
    int64_t durationMs = 0; // from the whole head on
    OutcomeTimings timings;

    // Of an outcome that was read back: its token may be gone.
    std::string storedToken, storedProject;
    std::string_view tokenId() const { return token ? token->id() : std::string_view(storedToken); }
    std::string_view projectId() const { return token ? token->projectId() : std::string_view(storedProject); }

    // What callers can cause without being served. A preflight is answered to anybody.
    bool isRefusal() const { return !forwarded && (result == OutcomeResult::Denied || result == OutcomeResult::Failure || !token); }

    // Ruling 23: whether it counts towards max_requests. Unreachable, and 429 or 5xx before the first byte, do not.
    bool countsTowardsQuota() const
    {
        if (!forwarded)
            return false;
        if (upstreamStatus == 0)
            return result != OutcomeResult::Error || reason == Reason::ClientCancelled || reason == Reason::StreamCut || reason == Reason::UpstreamFirstByteTimeout;
        return upstreamStatus != 429 && upstreamStatus < 500;
    }
};

using OutcomePtr = std::shared_ptr<const RequestOutcome>;

} // namespace llmproxy
