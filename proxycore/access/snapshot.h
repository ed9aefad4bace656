// SPDX-License-Identifier: GPL-3.0-only
// Everything a request is decided by, immutable: projects with opened provider keys and tokens by hash.
// A change copies one shard (at most about 4,096 tokens) and the small vectors, nothing else. The
// storage thread builds the next one; engine threads read the current one without a lock
// (SnapshotReader). Thread: immutable, shared.
#pragma once

#include "access/records.h"
#include "access/token_entry.h"
#include "secrets/secret.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

enum class KeyState : uint8_t {
    None,     // none is stored
    Ready,
    Pending,  // the source of its reference has not answered yet: 503, for a moment
    Unusable, // "needs its key again", or its reference does not resolve: 503
};

struct ProviderEntry
{
    std::string provider;
    std::string baseUrl;   // empty: the profile's
    SharedSecret key;      // null: none needed, or not usable
    KeyState keyState = KeyState::None;
    std::string keyUrl = {}; // the base URL that the key was given for, which says where else it may go; empty: the profile's
    bool isBound = false;    // keyUrl is known; else the key is not usable
    std::optional<bool> versionSegment = {}; // as in ProviderKey
};

struct ProjectEntry
{
    Project record;
    std::string id;
    std::vector<ProviderEntry> providers;
    std::vector<std::string> allowedModels;
};

using ProjectPtr = std::shared_ptr<const ProjectEntry>;

// A container that is shared until it is written: a copy shares the other's, and the first write after
// copying makes an own one. So a change copies one, and a hundred changes in one batch copy it once.
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
    // Null: empty. Of a published one it never holds anything else.
    std::shared_ptr<const void> identity() const { return m_map; }
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
    TokenPtr tokenById(std::string_view id) const;
    std::vector<TokenPtr> lineage(std::string_view lineage) const; // a token and what it was refreshed to, in no order
    ProjectPtr project(std::string_view id) const; // also deleted ones; check record.deleted
    // Each once, in no order. Management; not for the data path.
    template<typename Visit>
    void eachToken(Visit visit) const
    {
        for (const Shard &shard : m_byId) {
            for (const Keyed &one : shard.read())
                visit(one.token);
        }
    }
    // The same by shards, each with what it is: as long as that lives, its tokens are these. For who keeps what he found in one.
    template<typename Visit>
    void eachShard(Visit visit) const
    {
        for (const Shard &shard : m_byId) {
            visit(shard.identity(), [&shard](const auto &each) {
                for (const Keyed &one : shard.read())
                    each(one.token);
            });
        }
    }
    // Ordered by (createdMs, id), newest last. Management lists; not for the data path.
    std::vector<TokenPtr> tokens() const;
    std::vector<ProjectPtr> projects() const;
    size_t tokenCount() const { return m_tokenCount; }

    // Building the next one: only on a private copy, before it is published.
    void putProject(ProjectPtr project);
    void putToken(TokenPtr token);
    void removeToken(std::string_view id);
    // Into an empty one, at start; ids and hashes are unique.
    void fill(const std::vector<TokenPtr> &tokens);

private:
    // Ordered by the first 64 bits of the hash, or by the id's hash: a thousand of them lie side by side where a node of a
    // hash table each would be a cache miss, to look up, to copy and to load.
    struct Keyed
    {
        uint64_t key;
        TokenPtr token;
    };
    using Shard = SharedMap<std::vector<Keyed>>;
    using LineageShard = SharedMap<std::map<std::string, std::vector<TokenPtr>, std::less<>>>;
    static void insert(std::vector<Keyed> &shard, uint64_t key, TokenPtr token);
    static void erase(std::vector<Keyed> &shard, uint64_t key, const TokenPtr &token);
    LineageShard &lineageShard(std::string_view lineage);
    std::vector<Shard> m_byHash; // size: power of two
    std::vector<Shard> m_byId;
    std::vector<LineageShard> m_successors; // those whose lineage is not their own id
    SharedMap<std::map<std::string, ProjectPtr, std::less<>>> m_projects;
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
