// SPDX-License-Identifier: GPL-3.0-only
// Something that somebody should look at. Thread: a value.
#pragma once

#include <cstdint>
#include <string>

namespace llmproxy {

struct Alert
{
    std::string rule;    // auth_failures, denied_burst, revoked_token, new_address, new_client, unusual_hour, unusual_volume
    std::string message; // one sentence
    std::string clientIp, projectId, tokenUuid, tokenMasked;
    int64_t count = 0, threshold = 0, windowSeconds = 0; // 0: the rule has none
    int64_t seq = 0;     // of the event that raised it
    int64_t timestampMs = 0;
};

// The network of an IPv6 address is one place: its lower half changes by itself (RFC 8981).
std::string placeOf(const std::string &address);

} // namespace llmproxy
