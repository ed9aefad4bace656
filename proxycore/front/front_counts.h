// SPDX-License-Identifier: GPL-3.0-only
// What the engine threads count together, for the checklist. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace llmproxy {

struct FrontCounts
{
    std::atomic<bool> sawOtherAddressHeader{false}; // a trusted proxy names the client in a header that CLIENT_ADDRESS_HEADER is not
    std::atomic<int64_t> failedHandshakes{0};       // requests without TLS among them
};

} // namespace llmproxy
