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

// Hashes are uniform already (HMAC-SHA-256): any of their bytes are as good as others.
uint64_t keyOf(const TokenHash &hash)
{
    return eightBytes(hash, 0);
}

uint64_t keyOf(std::string_view id)
{
    return std::hash<std::string_view>()(id);
}

size_t shardOf(const TokenHash &hash, size_t shards)
{
    return eightBytes(hash, 8) & (shards - 1);
}

size_t shardOf(std::string_view id, size_t shards)
{
    const uint64_t hash = keyOf(id);
    return (hash >> 40 ^ hash >> 20) & (shards - 1);
}

template<typename Shard>
auto lowerBound(Shard &shard, uint64_t key)
{
    return std::lower_bound(shard.begin(), shard.end(), key, [](const auto &one, uint64_t wanted) { return one.key < wanted; });
}

template<typename Shard, typename IsIt>
TokenPtr findIn(const Shard &shard, uint64_t key, IsIt isIt)
{
    for (auto at = lowerBound(shard, key); at != shard.end() && at->key == key; ++at) {
        if (isIt(*at->token))
            return at->token;
    }
    return nullptr;
}

} // namespace

Snapshot::Snapshot()
    : m_byHash(firstShards), m_byId(firstShards), m_successors(firstShards)
{
}

TokenPtr Snapshot::tokenByHash(const TokenHash &hash) const
{
    return findIn(m_byHash[shardOf(hash, m_byHash.size())].read(), keyOf(hash), [&hash](const TokenEntry &token) { return token.hash == hash; });
}

TokenPtr Snapshot::tokenById(std::string_view id) const
{
    return findIn(m_byId[shardOf(id, m_byId.size())].read(), keyOf(id), [id](const TokenEntry &token) { return token.id() == id; });
}

std::vector<TokenPtr> Snapshot::lineage(std::string_view lineage) const
{
    std::vector<TokenPtr> all;
    if (TokenPtr first = tokenById(lineage); first && first->lineage() == lineage)
        all.push_back(std::move(first));
    const auto &successors = m_successors[shardOf(lineage, m_successors.size())].read();
    if (const auto found = successors.find(lineage); found != successors.end())
        all.insert(all.end(), found->second.begin(), found->second.end());
    return all;
}

ProjectPtr Snapshot::project(std::string_view id) const
{
    const auto found = m_projects.read().find(id);
    return found == m_projects.read().end() ? nullptr : found->second;
}

std::vector<TokenPtr> Snapshot::tokens() const
{
    std::vector<TokenPtr> all;
    all.reserve(m_tokenCount);
    eachToken([&all](const TokenPtr &token) { all.push_back(token); });
    std::sort(all.begin(), all.end(), [](const TokenPtr &a, const TokenPtr &b) {
        return a->terms.createdMs != b->terms.createdMs ? a->terms.createdMs < b->terms.createdMs : a->id() < b->id();
    });
    return all;
}

std::vector<ProjectPtr> Snapshot::projects() const
{
    std::vector<ProjectPtr> all;
    all.reserve(m_projects.read().size());
    for (const auto &[id, project] : m_projects.read())
        all.push_back(project);
    std::sort(all.begin(), all.end(), [](const ProjectPtr &a, const ProjectPtr &b) {
        return a->record.createdMs != b->record.createdMs ? a->record.createdMs < b->record.createdMs : a->id < b->id;
    });
    return all;
}

void Snapshot::putProject(ProjectPtr project)
{
    m_projects.write()[project->id] = std::move(project);
}

void Snapshot::putToken(TokenPtr token)
{
    removeToken(token->id());
    if (++m_tokenCount > m_byId.size() * averageShard) {
        std::vector<TokenPtr> all{std::move(token)};
        eachToken([&all](const TokenPtr &one) { all.push_back(one); });
        m_byHash.clear();
        m_byId.clear();
        m_successors.clear();
        fill(all);
        return;
    }
    if (token->lineage() != token->id())
        lineageShard(token->lineage()).write()[std::string(token->lineage())].push_back(token);
    insert(m_byHash[shardOf(token->hash, m_byHash.size())].write(), keyOf(token->hash), token);
    insert(m_byId[shardOf(token->id(), m_byId.size())].write(), keyOf(token->id()), token);
}

void Snapshot::removeToken(std::string_view id)
{
    const TokenPtr token = tokenById(id);
    if (!token)
        return;
    if (token->lineage() != token->id()) {
        auto &successors = lineageShard(token->lineage()).write();
        const auto found = successors.find(token->lineage());
        std::erase(found->second, token);
        if (found->second.empty())
            successors.erase(found);
    }
    erase(m_byHash[shardOf(token->hash, m_byHash.size())].write(), keyOf(token->hash), token);
    erase(m_byId[shardOf(id, m_byId.size())].write(), keyOf(id), token);
    --m_tokenCount;
}

void Snapshot::insert(std::vector<Keyed> &shard, uint64_t key, TokenPtr token)
{
    shard.insert(lowerBound(shard, key), {key, std::move(token)});
}

void Snapshot::erase(std::vector<Keyed> &shard, uint64_t key, const TokenPtr &token)
{
    for (auto at = lowerBound(shard, key); at != shard.end() && at->key == key; ++at) {
        if (at->token == token) {
            shard.erase(at);
            return;
        }
    }
}

void Snapshot::fill(const std::vector<TokenPtr> &tokens)
{
    size_t shards = firstShards;
    while (tokens.size() > shards * averageShard)
        shards *= 2;
    m_byHash.resize(shards);
    m_byId.resize(shards);
    m_successors.resize(shards);
    for (const TokenPtr &token : tokens) {
        m_byHash[shardOf(token->hash, shards)].write().push_back({keyOf(token->hash), token});
        m_byId[shardOf(token->id(), shards)].write().push_back({keyOf(token->id()), token});
        if (token->lineage() != token->id())
            lineageShard(token->lineage()).write()[std::string(token->lineage())].push_back(token);
    }
    for (std::vector<Shard> *all : {&m_byHash, &m_byId}) {
        for (Shard &shard : *all) {
            auto &ordered = shard.write();
            std::sort(ordered.begin(), ordered.end(), [](const Keyed &a, const Keyed &b) { return a.key < b.key; });
        }
    }
    m_tokenCount = tokens.size();
}

Snapshot::LineageShard &Snapshot::lineageShard(std::string_view lineage)
{
    return m_successors[shardOf(lineage, m_successors.size())];
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
