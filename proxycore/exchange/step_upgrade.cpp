// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

namespace llmproxy {

// Ruling 9: 426 for WebSocket only; other offers, like h2c, are dropped with the hop-by-hop fields.
Verdict Exchange::refuseUpgrade()
{
    if (listContains(m_head.headers.value("upgrade"), "websocket"))
        return refuse("upgrade_required", "WebSocket is not supported here; use HTTP streaming");
    return Verdict::Next;
}

} // namespace llmproxy
