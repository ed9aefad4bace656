// SPDX-License-Identifier: GPL-3.0-only
#include "limits/address_limits.h"

#include <algorithm>

namespace llmproxy {

std::array<unsigned char, 16> AddressLimits::keyOf(const IpAddress &address)
{
    return address.network().bytes;
}

AddressLimits::Shard &AddressLimits::shardOf(const std::array<unsigned char, 16> &key)
{
    unsigned sum = 0;
    for (const unsigned char byte : key)
        sum = sum * 31 + byte;
    return m_shards[sum % m_shards.size()];
}

void AddressLimits::sweep(Shard &shard, int64_t nowUs)
{
    if (nowUs < shard.nextSweepUs)
        return;
    shard.nextSweepUs = nowUs + 60'000'000;
    std::erase_if(shard.entries, [nowUs](const auto &item) {
        return item.second.connections == 0 && item.second.requestsTatUs < nowUs && item.second.failuresTatUs < nowUs;
    });
}

RateDecision AddressLimits::takeRequest(const IpAddress &address, int64_t nowUs)
{
    if (m_policy.requestsPerMinute <= 0 || (address.isLoopback() && !m_policy.limitLoopbackRequests))
        return {};
    const auto key = keyOf(address);
    Shard &shard = shardOf(key);
    const std::lock_guard guard(shard.lock);
    sweep(shard, nowUs);
    return takeRate(shard.entries[key].requestsTatUs, m_policy.requestsPerMinute, nowUs);
}

RateDecision AddressLimits::takeAuthFailure(const IpAddress &address, int64_t nowUs)
{
    if (m_policy.authFailuresPerMinute <= 0 || (address.isLoopback() && !m_policy.limitLoopbackFailures))
        return {};
    const auto key = keyOf(address);
    Shard &shard = shardOf(key);
    const std::lock_guard guard(shard.lock);
    sweep(shard, nowUs);
    return takeRate(shard.entries[key].failuresTatUs, m_policy.authFailuresPerMinute, nowUs);
}

bool AddressLimits::connectionOpened(const IpAddress &address)
{
    const int64_t open = m_connections.fetch_add(1) + 1;
    if (open > m_policy.connections) {
        m_connections.fetch_sub(1);
        return false;
    }
    if (open > m_peak.load(std::memory_order_relaxed))
        m_peak.store(open, std::memory_order_relaxed); // a lost race costs one
    const auto key = keyOf(address);
    Shard &shard = shardOf(key);
    const std::lock_guard guard(shard.lock);
    Entry &entry = shard.entries[key];
    const bool exempt = address.isLoopback() && !m_policy.limitLoopbackConnections;
    if (!exempt && entry.connections >= m_policy.connectionsPerAddress) {
        m_connections.fetch_sub(1);
        return false;
    }
    ++entry.connections;
    return true;
}

void AddressLimits::connectionClosed(const IpAddress &address)
{
    m_connections.fetch_sub(1);
    const auto key = keyOf(address);
    Shard &shard = shardOf(key);
    const std::lock_guard guard(shard.lock);
    const auto entry = shard.entries.find(key);
    if (entry == shard.entries.end() || entry->second.connections == 0)
        return;
    const Entry &left = entry->second;
    if (--entry->second.connections == 0 && left.requestsTatUs == 0 && left.failuresTatUs == 0)
        shard.entries.erase(entry); // with both rates off nothing else sweeps
}

} // namespace llmproxy
