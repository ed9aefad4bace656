// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

namespace llmproxy {

// Ruling 9: 426 for WebSocket only; other offers, like h2c, are dropped with the hop-by-hop fields.
Verdict Exchange::refuseUpgrade()
{
    const std::string offers = m_head.headers.joined("upgrade");
    for (std::string_view rest = offers; !rest.empty();) {
        const size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view offer = trimmed(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        if (!equalsIgnoreCase(offer.substr(0, offer.find('/')), "websocket")) // a version may follow
            continue;
        return refuse("upgrade_required", "WebSocket is not supported here; use HTTP streaming");
    }
    return Verdict::Next;
}

} // namespace llmproxy
