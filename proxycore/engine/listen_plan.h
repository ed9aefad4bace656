// SPDX-License-Identifier: GPL-3.0-only
// Which sockets the entries of LISTEN_ADDR become on this machine, and whether they can be had: each is bound once and closed again.
// Thread: any.
#pragma once

#include "base/result.h"
#include "config/listen_address.h"
#include "front/listener.h"

#include <string>
#include <vector>

namespace llmproxy {

struct ListenPlan
{
    std::vector<ListenPoint> points; // with their ports
    ListenAddresses bound;           // of the same points: the entries with the ports and addresses that they got
    struct Skipped
    {
        std::string address, why; // "[::1]:8080"
    };
    std::vector<Skipped> skipped; // addresses of names
};

// A name is each of its addresses, on one port, without those of a family that this machine lacks and link-local ones, which mean nothing
// without their interface; one that another entry names itself is that entry's. [::] serves IPv4 too, unless
// 0.0.0.0 is listed with the same port. Error: Unavailable, the first address that cannot be had.
Result<ListenPlan> planListeners(const ListenAddresses &wanted);
// Would another port help? Another program has one of these, or this user may not have it.
bool isPortTaken(const ListenAddresses &wanted);

} // namespace llmproxy
