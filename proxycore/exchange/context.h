// SPDX-License-Identifier: GPL-3.0-only
// What the exchanges of one engine thread share. Owned by the engine; everything in it outlives them.
// Thread: one engine thread, but for what says otherwise.
#pragma once

#include "access/snapshot.h"
#include "exchange/held_budget.h"
#include "exchange/outcome_fan.h"
#include "front/http_types.h"
#include "limits/address_limits.h"
#include "upstream/call.h"
#include "secrets/access_token.h"
#include "upstream/profile.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace llmproxy {

class Exchange;

struct ExchangeConfig
{
    int64_t maxRequestSize = 512'000'000;
    int64_t maxInspectedBody = 16 << 20;
    std::string viaName; // ours in Via, RFC 9110 section 7.6.3
    int64_t connectTimeoutMs = 10'000, firstByteTimeoutMs = 590'000, idleTimeoutMs = 290'000;
};

struct ExchangeContext
{
    ExchangeConfig config;
    const Profiles *profiles = nullptr;
    const AccessTokenHasher *hasher = nullptr;
    SnapshotReader *snapshots = nullptr;
    AddressLimits *addresses = nullptr;     // shared by all threads
    OutcomeFan *outcomes = nullptr;
    UpstreamPool *upstream = nullptr;
    HeldBudget *held = nullptr; // shared by all threads
    // Of a refusal: whether it has an event of its own. Else it was counted together with others (ruling 47). Thread: any.
    std::function<bool(const RequestOutcome &, const IpAddress &client)> isRecorded;
    std::function<bool()> storageHealthy;
    // What is made of a base URL, which takes some 10,000 instructions.
    struct Target
    {
        std::shared_ptr<const DialTarget> dial;
        bool asksUsage = false; // asksStreamUsage()
    };
    std::unordered_map<std::string, Target> targets; // by profile and base URL
    Exchange *running = nullptr; // the first of a list that goes on in next()
    std::atomic<int64_t> *runningCount = nullptr; // their number; may be null
};

} // namespace llmproxy
