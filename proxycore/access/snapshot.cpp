// SPDX-License-Identifier: GPL-3.0-only
#include "access/snapshot.h"

#include <algorithm>
#include <cstring>

namespace llmproxy {

namespace {

constexpr size_t firstShards = 16;
// Shards stay well under 4,096 tokens (ruling 28) when their average is kept under half of that.
constexpr size_t averageShard = 2048;

uint64_t eightBytes(const TokenHash &hash, size_t from)
{
    uint64_t value = 0;
    std::memcpy(&value, hash.data() + from, sizeof value);
    return value;
}

// Other bits than the map inside the shard uses: those would all fall into few of its buckets.
size_t shardOf(const TokenHash &hash, size_t shards)
{
    return eightBytes(hash, 8) & (shards - 1);
}

size_t shardOf(const std::string &id, size_t shards)
{
    const size_t hash = std::hash<std::string>()(id);
    return (hash >> 40 ^ hash >> 20) & (shards - 1);
}

template<typename Entry>
bool olderFirst(const Entry &a, const Entry &b)
{
    return a->record.createdMs != b->record.createdMs ? a->record.createdMs < b->record.createdMs : a->id < b->id;
}

} // namespace

size_t TokenHashHasher::operator()(const TokenHash &hash) const
{
    return eightBytes(hash, 0);
}

Snapshot::Snapshot()
    : m_byHash(firstShards), m_byId(firstShards)
{
}

TokenPtr Snapshot::tokenByHash(const TokenHash &hash) const
{
    return m_byHash[shardOf(hash, m_byHash.size())].find(hash);
}

TokenPtr Snapshot::tokenById(const std::string &id) const
{
    return m_byId[shardOf(id, m_byId.size())].find(id);
}

ProjectPtr Snapshot::project(const std::string &id) const
{
    return m_projects.find(id);
}

std::vector<TokenPtr> Snapshot::tokens() const
{
    std::vector<TokenPtr> all;
    all.reserve(m_tokenCount);
    for (const auto &shard : m_byId) {
        for (const auto &[id, token] : shard.read())
            all.push_back(token);
    }
    std::sort(all.begin(), all.end(), olderFirst<TokenPtr>);
    return all;
}

std::vector<ProjectPtr> Snapshot::projects() const
{
    std::vector<ProjectPtr> all;
    all.reserve(m_projects.read().size());
    for (const auto &[id, project] : m_projects.read())
        all.push_back(project);
    std::sort(all.begin(), all.end(), olderFirst<ProjectPtr>);
    return all;
}

void Snapshot::putProject(ProjectPtr project)
{
    m_projects.write()[project->id] = std::move(project);
}

void Snapshot::putToken(TokenPtr token)
{
    removeToken(token->id);
    ++m_tokenCount;
    grow();
    m_byHash[shardOf(token->hash, m_byHash.size())].write()[token->hash] = token;
    m_byId[shardOf(token->id, m_byId.size())].write()[token->id] = std::move(token);
}

void Snapshot::removeToken(const std::string &id)
{
    const TokenPtr token = tokenById(id);
    if (!token)
        return;
    m_byHash[shardOf(token->hash, m_byHash.size())].write().erase(token->hash);
    m_byId[shardOf(id, m_byId.size())].write().erase(id);
    --m_tokenCount;
}

void Snapshot::grow()
{
    if (m_tokenCount <= m_byId.size() * averageShard)
        return;
    const size_t shards = m_byId.size() * 2;
    std::vector<HashShard> byHash(shards);
    std::vector<IdShard> byId(shards);
    for (const auto &shard : m_byId) {
        for (const auto &[id, token] : shard.read()) {
            byHash[shardOf(token->hash, shards)].write().emplace(token->hash, token);
            byId[shardOf(id, shards)].write().emplace(id, token);
        }
    }
    m_byHash = std::move(byHash);
    m_byId = std::move(byId);
}

SnapshotHolder::SnapshotHolder()
    : m_current(std::make_shared<const Snapshot>())
{
}

void SnapshotHolder::publish(SnapshotPtr next)
{
    {
        const std::lock_guard guard(m_lock);
        m_current.swap(next);
    }
    // After the swap: who sees the new number finds the new snapshot. The old one may die here, unlocked.
    m_generation.fetch_add(1, std::memory_order_release);
}

SnapshotPtr SnapshotHolder::current() const
{
    const std::lock_guard guard(m_lock);
    return m_current;
}

const SnapshotPtr &SnapshotReader::current()
{
    const uint64_t generation = m_holder.generation();
    if (generation != m_generation) {
        m_cached = m_holder.current();
        m_generation = generation;
    }
    return m_cached;
}

} // namespace llmproxy
