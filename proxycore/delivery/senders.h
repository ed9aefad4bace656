// SPDX-License-Identifier: GPL-3.0-only
// One attempt to deliver a text to a target. Thread: the target's; takes as long as the limit at most.
#pragma once

#include "delivery/outbox.h"

#include <chrono>
#include <string>

namespace llmproxy {

// What went wrong, or empty. Never contains the target's address.
// isCancelled ends the wait for a name.
std::string deliver(const OutsideTarget &target, const std::string &text, const OutboxConfig &config, std::chrono::milliseconds limit, const std::function<bool()> &isCancelled);

} // namespace llmproxy
