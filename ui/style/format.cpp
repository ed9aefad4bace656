// SPDX-License-Identifier: GPL-3.0-only
#include "style/format.h"

#include <QCoreApplication>
#include <QLocale>
#include <QTextDocument>
#include <QTimeZone>

#include <cmath>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

struct Format
{
    Q_DECLARE_TR_FUNCTIONS(Format)
};

QString amount(double seconds)
{
    const auto whole = static_cast<int>(std::llround(seconds));
    if (seconds < 60)
        return Format::tr("%n second(s)", nullptr, whole);
    if (seconds < 3600)
        return Format::tr("%n minute(s)", nullptr, static_cast<int>(std::llround(seconds / 60)));
    if (seconds < 2 * 86400)
        return Format::tr("%n hour(s)", nullptr, static_cast<int>(std::llround(seconds / 3600)));
    return Format::tr("%n day(s)", nullptr, static_cast<int>(std::llround(seconds / 86400)));
}

} // namespace

QDateTime timeOf(const QJsonValue &rfc3339)
{
    return QDateTime::fromString(rfc3339.toString(), Qt::ISODateWithMs);
}

QString localTime(const QDateTime &time)
{
    if (!time.isValid())
        return u"–"_s;
    const QDateTime local = time.toLocalTime();
    return QLocale().toString(local.date(), QLocale::ShortFormat) + u' ' + local.toString(u"HH:mm:ss"_s);
}

QString bothTimes(const QDateTime &time)
{
    if (!time.isValid())
        return {};
    const QDateTime local = time.toLocalTime();
    return local.toString(u"yyyy-MM-dd HH:mm:ss.zzz "_s) + local.timeZoneAbbreviation() + u'\n' + time.toUTC().toString(u"yyyy-MM-dd HH:mm:ss.zzz 'UTC'"_s);
}

QString relative(const QDateTime &time)
{
    if (!time.isValid())
        return Format::tr("never");
    const double seconds = static_cast<double>(QDateTime::currentDateTimeUtc().msecsTo(time)) / 1000;
    if (std::abs(seconds) < 2)
        return Format::tr("now");
    return seconds < 0 ? Format::tr("%1 ago").arg(amount(-seconds)) : Format::tr("in %1").arg(amount(seconds));
}

QString duration(qint64 ms)
{
    const QLocale locale;
    if (ms == 0)
        return Format::tr("< 1 ms");
    if (ms < 1000)
        return Format::tr("%1 ms").arg(locale.toString(ms));
    if (ms < 60'000)
        return Format::tr("%1 s").arg(locale.toString(static_cast<double>(ms) / 1000, 'f', 1));
    if (ms < 3'600'000)
        return Format::tr("%1 min %2 s").arg(ms / 60'000).arg(ms / 1000 % 60);
    return Format::tr("%1 h %2 min").arg(locale.toString(ms / 3'600'000)).arg(ms / 60'000 % 60);
}

QString count(double number)
{
    const QLocale locale;
    if (number < 10'000)
        return locale.toString(number, 'f', number < 10 && number != std::floor(number) ? 1 : 0);
    if (number < 1'000'000)
        return Format::tr("%1 k").arg(locale.toString(number / 1000, 'f', 1));
    return Format::tr("%1 M").arg(locale.toString(number / 1'000'000, 'f', 1));
}

QString bytes(qint64 size)
{
    return QLocale().formattedDataSize(size, 1, QLocale::DataSizeSIFormat);
}

QString orDash(const QString &text)
{
    return text.isEmpty() ? u"–"_s : text;
}

QString asPlainTip(const QString &text)
{
    return Qt::mightBeRichText(text) ? u"<p style='white-space:pre-wrap'>"_s + text.toHtmlEscaped() + u"</p>"_s : text;
}

QString breakable(const QString &text)
{
    constexpr int longest = 60; // a key fingerprint is 51
    constexpr QChar softBreak(0x200B);
    QString broken;
    int run = 0;
    for (const QChar c : text) {
        broken += c;
        run = c.isSpace() ? 0 : run + 1;
        if (run >= longest && !c.isHighSurrogate()) {
            broken += softBreak;
            run = 0;
        }
    }
    return broken;
}

QString asCaption(const QString &text)
{
    return QString(text).replace(u'&', u"&&"_s);
}

} // namespace llmproxy::ui
