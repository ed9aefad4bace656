// SPDX-License-Identifier: GPL-3.0-only
#include "manage/live_tokens.h"

#include <algorithm>

namespace llmproxy {

int64_t LiveTokens::count(const Snapshot &snapshot, int64_t nowMs)
{
    int64_t live = 0;
    size_t at = 0;
    snapshot.eachShard([&](const std::shared_ptr<const void> &of, const auto &eachToken) {
        if (at == m_shards.size())
            m_shards.emplace_back();
        Shard &shard = m_shards[at++];
        if (!of || shard.of.lock() != of) {
            shard.of = of;
            shard.endsMs.clear();
            eachToken([&](const TokenPtr &token) {
                if (const int64_t endsMs = token->terms.endsMs(); endsMs > nowMs)
                    shard.endsMs.push_back(endsMs);
            });
            std::sort(shard.endsMs.begin(), shard.endsMs.end());
        }
        live += shard.endsMs.end() - std::upper_bound(shard.endsMs.begin(), shard.endsMs.end(), nowMs);
    });
    return live;
}

} // namespace llmproxy
