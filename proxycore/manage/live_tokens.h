// SPDX-License-Identifier: GPL-3.0-only
// How many tokens are live, of a million, without looking at each whenever somebody asks: of each shard of the snapshot it keeps when
// its tokens end, and looks again only at shards that were changed. 8 bytes a token; owned by ManageState. Thread: management.
#pragma once

#include "access/snapshot.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace llmproxy {

class LiveTokens
{
public:
    int64_t count(const Snapshot &snapshot, int64_t nowMs);

private:
    struct Shard
    {
        std::weak_ptr<const void> of;
        std::vector<int64_t> endsMs; // ascending
    };
    std::vector<Shard> m_shards;
};

} // namespace llmproxy
