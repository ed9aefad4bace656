// SPDX-License-Identifier: GPL-3.0-only
// Limits per client address: requests per minute, failed authentications per minute, open connections.
// Addresses are kept in locked shards; entries that hold nothing are dropped. Loopback is exempt from
// what was not set explicitly (ruling 13). IPv6 clients are counted by /64. Thread: any.
#pragma once

#include "access/cidr.h"
#include "limits/rate.h"

#include <array>
#include <atomic>
#include <map>
#include <mutex>

namespace llmproxy {

struct AddressPolicy
{
    int64_t requestsPerMinute = 6000;
    int64_t authFailuresPerMinute = 10;
    int64_t connectionsPerAddress = 1000;
    int64_t connections = 10'000;
    bool limitLoopbackRequests = false, limitLoopbackFailures = false, limitLoopbackConnections = false;
};

class AddressLimits
{
public:
    explicit AddressLimits(AddressPolicy policy) : m_policy(policy) {}
    RateDecision takeRequest(const IpAddress &address, int64_t nowUs);
    RateDecision takeAuthFailure(const IpAddress &address, int64_t nowUs);
    // False: refuse the connection. Each true needs one connectionClosed().
    bool connectionOpened(const IpAddress &address);
    void connectionClosed(const IpAddress &address);
    int64_t openConnections() const { return m_connections.load(); }
    // The most connections that were open at once since it was asked last.
    int64_t takePeak() { return m_peak.exchange(m_connections.load()); }

private:
    struct Entry
    {
        std::atomic<int64_t> requestsTatUs{0};
        std::atomic<int64_t> failuresTatUs{0};
        int64_t connections = 0;
    };
    struct Shard
    {
        std::mutex lock;
        std::map<std::array<unsigned char, 16>, Entry> entries;
        int64_t nextSweepUs = 0;
    };
    static std::array<unsigned char, 16> keyOf(const IpAddress &address);
    Shard &shardOf(const std::array<unsigned char, 16> &key);
    static void sweep(Shard &shard, int64_t nowUs);

    AddressPolicy m_policy;
    std::array<Shard, 16> m_shards;
    std::atomic<int64_t> m_connections{0};
    std::atomic<int64_t> m_peak{0};
};

} // namespace llmproxy
