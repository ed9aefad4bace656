// SPDX-License-Identifier: GPL-3.0-only
// The one clock. Tests shift wall time with advanceForTest(). Thread: any.
#pragma once

#include <QString>
#include <cstdint>
#include <string>

namespace llmproxy {

inline constexpr int64_t secondMs = 1000;
inline constexpr int64_t minuteMs = 60 * secondMs;
inline constexpr int64_t hourMs = 60 * minuteMs;
inline constexpr int64_t dayMs = 24 * hourMs;

class Clock
{
public:
    // Milliseconds since 1970-01-01T00:00:00Z.
    static int64_t wallMs();
    // Microseconds of a clock that never goes back; only differences have a meaning.
    static int64_t steadyUs();
    // Milliseconds of the same clock, for ages: it does not notice that the time of day was set.
    static int64_t steadyMs();
    // Adds to what wallMs() and steadyMs() return, for tests.
    static void advanceForTest(int64_t ms);
};

// RFC 3339, UTC, milliseconds: 2023-12-01T10:00:00.123Z
std::string rfc3339(int64_t wallMs);
// The audit table's form: 2023-12-01 10:00:00.123
std::string sqlTimestamp(int64_t wallMs);
// Reads RFC 3339 (section 5.6) with any offset. -1: it is not one. What is before 1970 is 0.
int64_t parseRfc3339(const QString &text);

} // namespace llmproxy
