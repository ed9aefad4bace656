// SPDX-License-Identifier: GPL-3.0-only
// Times as people write them. Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace llmproxy {

// RFC 3339 for "24h" (so long ago), "today" and "yesterday" (their midnight in the time zone of this machine), and RFC 3339 itself.
// nowMs: since the epoch. Empty: it is none of these.
std::string timeOf(const std::string &text, int64_t nowMs);

} // namespace llmproxy
