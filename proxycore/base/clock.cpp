// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"

#include <QDateTime>
#include <algorithm>
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

namespace {

// Section 5.6: date-time; Qt takes much more. A digit stands where the form has a 9.
bool hasForm(QStringView text, QLatin1String form)
{
    if (text.size() != form.size())
        return false;
    for (qsizetype at = 0; at < form.size(); ++at) {
        const bool isDigit = text[at] >= QLatin1Char('0') && text[at] <= QLatin1Char('9');
        if (form[at] == QLatin1Char('9') ? !isDigit : text[at] != form[at])
            return false;
    }
    return true;
}

bool hasRfc3339Form(QStringView text)
{
    constexpr qsizetype seconds = 19, offset = 6; // characters up to them, and of one
    if (text.size() <= seconds || !hasForm(text.first(10), QLatin1String("9999-99-99")) || !QStringView(u"Tt ").contains(text[10])
        || !hasForm(text.sliced(11, 8), QLatin1String("99:99:99")) || text.sliced(11, 2) == QLatin1String("24"))
        return false;
    const bool isZulu = text.back() == QLatin1Char('Z') || text.back() == QLatin1Char('z');
    const QStringView zone = isZulu ? text.last(1) : text.last(std::min(offset, text.size() - seconds));
    if (!isZulu && !hasForm(zone, QLatin1String("+99:99")) && !hasForm(zone, QLatin1String("-99:99")))
        return false;
    const QStringView fraction = text.sliced(seconds).chopped(zone.size());
    return fraction.isEmpty() || (fraction.size() > 1 && fraction.front() == QLatin1Char('.')
                                  && std::all_of(fraction.begin() + 1, fraction.end(), [](QChar c) { return c >= QLatin1Char('0') && c <= QLatin1Char('9'); }));
}

} // namespace

std::string sqlTimestamp(int64_t wallMs)
{
    return format(wallMs, ' ', "");
}

int64_t parseRfc3339(const QString &text)
{
    if (!hasRfc3339Form(text))
        return -1;
    QString form = text.toUpper();
    if (form.mid(17, 2) == QLatin1String("60")) // a leap second, which Qt does not know
        form.replace(17, 2, QLatin1String("59"));
    const QDateTime time = QDateTime::fromString(form, Qt::ISODateWithMs);
    return time.isValid() ? std::max<int64_t>(time.toMSecsSinceEpoch(), 0) : -1;
}

} // namespace llmproxy
