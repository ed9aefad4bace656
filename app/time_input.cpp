// SPDX-License-Identifier: GPL-3.0-only
#include "time_input.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "config/settings.h"

#include <QDateTime>

#include <algorithm>

namespace llmproxy {

namespace {

std::string midnight(int64_t nowMs, int daysAgo)
{
    const QDate day = QDateTime::fromMSecsSinceEpoch(nowMs).date().addDays(-daysAgo);
    return rfc3339(day.startOfDay().toMSecsSinceEpoch());
}

} // namespace

std::string timeOf(const std::string &text, int64_t nowMs, TimeSense sense)
{
    const std::string word = lowerCased(text);
    if (word == "today")
        return midnight(nowMs, 0);
    if (word == "yesterday")
        return midnight(nowMs, 1);
    constexpr int64_t longestMs = 100 * 366 * dayMs;
    const auto distance = parseDurationMs(text);
    if (distance && *distance > 0 && *distance <= std::min(nowMs, longestMs))
        return rfc3339(sense == TimeSense::Past ? nowMs - *distance : nowMs + *distance);
    return QDateTime::fromString(QString::fromStdString(text), Qt::ISODateWithMs).isValid() && text.find('T') != std::string::npos ? text : std::string();
}

std::string ageOf(const std::string &text, int64_t nowMs)
{
    if (parseDurationMs(text))
        return text;
    const std::string time = timeOf(text, nowMs);
    const QDateTime at = QDateTime::fromString(QString::fromStdString(time), Qt::ISODateWithMs);
    return time.empty() || at.toMSecsSinceEpoch() >= nowMs ? std::string() : std::to_string(nowMs - at.toMSecsSinceEpoch()) + "ms";
}

} // namespace llmproxy
