// SPDX-License-Identifier: GPL-3.0-only
// Times as people write them. Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace llmproxy {

enum class TimeSense { Past, Future }; // what "24h" means: so long ago, or from now
// RFC 3339 for "24h", "today" and "yesterday" (their midnight in the time zone of this machine), and RFC 3339 itself. nowMs: since the
// epoch. Empty: it is none of these.
std::string timeOf(const std::string &text, int64_t nowMs, TimeSense sense = TimeSense::Past);
// An age as the API takes it: "90d", or how long ago such a time is, "86400000ms". Empty: it is none, or not in the past.
std::string ageOf(const std::string &text, int64_t nowMs);
inline constexpr char timeForms[] = "not a time; write for example 1h, 24h, 7d, yesterday, today or 2030-01-31T12:00:00Z";

} // namespace llmproxy
