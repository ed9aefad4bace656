// SPDX-License-Identifier: GPL-3.0-only
// Everything a request is decided by, immutable: projects with opened provider keys and tokens by hash.
// A change copies one shard (at most about 4,096 tokens) and the small vectors, nothing else. The
// storage thread builds the next one; engine threads read the current one without a lock
// (SnapshotReader). Thread: immutable, shared.
#pragma once

#include "access/cidr.h"
#include "access/lineage_state.h"
#include "access/records.h"
#include "secrets/secret.h"

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace llmproxy {

using TokenHash = std::array<unsigned char, 32>;

struct TokenHashHasher
{
    // The hash is uniform already (HMAC-SHA-256): its first bytes are as good as any.
    size_t operator()(const TokenHash &hash) const;
};

struct ProviderEntry
{
    std::string provider;
    std::string baseUrl;   // empty: the profile's
    SharedSecret key;      // null: none needed, or not usable
    bool keyUnusable = false; // "needs its key again", or its reference does not resolve: 503
};

struct ProjectEntry
{
    Project record;
    std::string id;
    std::vector<ProviderEntry> providers;
    std::vector<std::string> allowedModels;
};

struct TokenEntry
{
    Token record;
    std::string id;
    std::string masked;
    std::string projectId;
    TokenHash hash{};
    std::vector<std::string> allowedModels;
    std::vector<std::string> allowedEndpoints;
    std::vector<Cidr> allowedIps;
    std::shared_ptr<LineageState> state;
};

using ProjectPtr = std::shared_ptr<const ProjectEntry>;
using TokenPtr = std::shared_ptr<const TokenEntry>;

// A map that is shared until it is written: a copy shares the other's map, and the first write after
// copying makes an own one. So a change copies one map, and a hundred changes in one batch copy it once.
template<typename Map>
class SharedMap
{
public:
    SharedMap() = default;
    SharedMap(const SharedMap &other) : m_map(other.m_map) {}
    SharedMap(SharedMap &&) noexcept = default;
    SharedMap &operator=(SharedMap &&) noexcept = default;
    SharedMap &operator=(const SharedMap &) = delete;

    const Map &read() const
    {
        static const Map none;
        return m_map ? *m_map : none;
    }
    typename Map::mapped_type find(const typename Map::key_type &key) const
    {
        const auto found = read().find(key);
        return found == read().end() ? nullptr : found->second;
    }
    Map &write()
    {
        if (!m_own) {
            auto copy = std::make_shared<Map>(read());
            m_own = copy.get();
            m_map = std::move(copy);
        }
        return *m_own;
    }

private:
    std::shared_ptr<const Map> m_map;
    Map *m_own = nullptr; // made by this one, and seen by nobody else before it is published
};

class Snapshot
{
public:
    Snapshot();

    TokenPtr tokenByHash(const TokenHash &hash) const;
    TokenPtr tokenById(const std::string &id) const;
    ProjectPtr project(const std::string &id) const; // also deleted ones; check record.deleted
    // Ordered by (createdMs, id), newest last. Management lists; not for the data path.
    std::vector<TokenPtr> tokens() const;
    std::vector<ProjectPtr> projects() const;
    size_t tokenCount() const { return m_tokenCount; }

    // Building the next one: only on a private copy, before it is published.
    void putProject(ProjectPtr project);
    void putToken(TokenPtr token);
    void removeToken(const std::string &id);

private:
    using HashShard = SharedMap<std::unordered_map<TokenHash, TokenPtr, TokenHashHasher>>;
    using IdShard = SharedMap<std::unordered_map<std::string, TokenPtr>>;
    void grow();
    std::vector<HashShard> m_byHash; // size: power of two
    std::vector<IdShard> m_byId;
    SharedMap<std::map<std::string, ProjectPtr>> m_projects;
    size_t m_tokenCount = 0;
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

// The place where the current snapshot is swapped.
class SnapshotHolder
{
public:
    SnapshotHolder();
    void publish(SnapshotPtr next);
    SnapshotPtr current() const;
    uint64_t generation() const { return m_generation.load(std::memory_order_acquire); }

private:
    mutable std::mutex m_lock;
    SnapshotPtr m_current;
    std::atomic<uint64_t> m_generation{1};
};

// One per engine thread: takes the holder's lock only when the generation changed.
class SnapshotReader
{
public:
    explicit SnapshotReader(const SnapshotHolder &holder) : m_holder(holder) {}
    const SnapshotPtr &current();

private:
    const SnapshotHolder &m_holder;
    SnapshotPtr m_cached;
    uint64_t m_generation = 0;
};

} // namespace llmproxy
