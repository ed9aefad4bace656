// SPDX-License-Identifier: GPL-3.0-only
// Refusals that have no line of their own in the audit log, and the one line that says how many they were (ruling 47).
// Thread: values.
#pragma once

#include "access/cidr.h"
#include "access/token_entry.h"
#include "audit/event.h"
#include "base/reason.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace llmproxy {

enum class RefusedKind : uint8_t {
    Request,    // of the data plane
    Management,
    Preflight,  // answered without a token, so it is counted like a refusal
};

struct CountedRefusals
{
    RefusedKind kind = RefusedKind::Request;
    TokenPtr token;            // they were all of this one; null: of strangers
    bool isTokenValid = false;
    std::set<IpAddress> places; // where they came from: addresses, of IPv6 networks
    bool morePlaces = false;    // and from others, which are not kept
    bool isOfAll = false;       // of all addresses together: the line says how many they were
    int64_t count = 0;
    int64_t lastMs = 0;         // wall clock, of the newest
    std::vector<std::pair<Reason, int64_t>> reasons;

    // At most mostPlaces places are kept.
    void add(const IpAddress &place, Reason reason, int64_t nowMs, size_t mostPlaces);
    // auth.failure; of a token and of answered preflights token.access.
    AuditEvent event() const;
};

// "invalid_token:41,endpoint_not_found:3": the most frequent first.
std::string reasonsText(std::vector<std::pair<Reason, int64_t>> reasons);

} // namespace llmproxy
