// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"

#include <QDateTime>
#include <atomic>
#include <cstdio>
#include <ctime>

namespace llmproxy {

namespace {

std::atomic<int64_t> s_shiftMs{0};

std::string format(int64_t wallMs, char separator, const char *suffix)
{
    // A thread's events come many a second: the second is formatted once.
    thread_local time_t second = -1;
    thread_local char text[48];
    const auto wanted = static_cast<time_t>(wallMs / 1000);
    if (wanted != second) {
        tm utc{};
        gmtime_r(&wanted, &utc);
        std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                      utc.tm_min, utc.tm_sec);
        second = wanted;
    }
    std::string out(text);
    out[10] = separator;
    const auto milliseconds = static_cast<int>(wallMs % 1000);
    for (const int digit : {milliseconds / 100, milliseconds / 10 % 10, milliseconds % 10})
        out += static_cast<char>('0' + digit);
    return out.append(suffix);
}

} // namespace

int64_t Clock::wallMs()
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000 + s_shiftMs.load(std::memory_order_relaxed);
}

int64_t Clock::steadyMs()
{
    return steadyUs() / 1000 + s_shiftMs.load(std::memory_order_relaxed);
}

int64_t Clock::steadyUs()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

void Clock::advanceForTest(int64_t ms)
{
    s_shiftMs += ms;
}

std::string rfc3339(int64_t wallMs)
{
    return format(wallMs, 'T', "Z");
}

std::string sqlTimestamp(int64_t wallMs)
{
    return format(wallMs, ' ', "");
}

int64_t parseRfc3339(const QString &text)
{
    const QDateTime time = QDateTime::fromString(text, Qt::ISODateWithMs);
    if (!time.isValid() || (!text.endsWith(QLatin1Char('Z')) && time.timeSpec() == Qt::LocalTime))
        return -1;
    return time.toMSecsSinceEpoch();
}

} // namespace llmproxy
