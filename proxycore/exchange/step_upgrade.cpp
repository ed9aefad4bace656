// SPDX-License-Identifier: GPL-3.0-only
#include "exchange/exchange.h"

namespace llmproxy {

// Ruling 9: 426 for WebSocket only; other offers, like h2c, are dropped with the hop-by-hop fields.
Verdict Exchange::refuseUpgrade()
{
    if (m_head.minorVersion == 0)
        return Verdict::Next; // RFC 9110 section 7.8: it may have been forwarded by who did not know it
    const auto isWebSocket = [](std::string_view offer) { return equalsIgnoreCase(offer.substr(0, offer.find('/')), "websocket"); };
    if (anyListItem(m_head.headers.joined("upgrade"), isWebSocket)) // a version may follow the name
        return refuse(Reason::UpgradeRequired, "WebSocket is not supported here; use HTTP streaming");
    return Verdict::Next;
}

} // namespace llmproxy
