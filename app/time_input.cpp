// SPDX-License-Identifier: GPL-3.0-only
#include "time_input.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "config/settings.h"

#include <QDateTime>

namespace llmproxy {

namespace {

std::string midnight(int64_t nowMs, int daysAgo)
{
    const QDate day = QDateTime::fromMSecsSinceEpoch(nowMs).date().addDays(-daysAgo);
    return rfc3339(day.startOfDay().toMSecsSinceEpoch());
}

} // namespace

std::string timeOf(const std::string &text, int64_t nowMs)
{
    const std::string word = lowerCased(text);
    if (word == "today")
        return midnight(nowMs, 0);
    if (word == "yesterday")
        return midnight(nowMs, 1);
    const auto ago = parseDurationMs(text);
    if (ago && *ago > 0 && *ago <= nowMs)
        return rfc3339(nowMs - *ago);
    return QDateTime::fromString(QString::fromStdString(text), Qt::ISODateWithMs).isValid() && text.find('T') != std::string::npos ? text : std::string();
}

} // namespace llmproxy
