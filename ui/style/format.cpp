// SPDX-License-Identifier: GPL-3.0-only
#include "style/format.h"

#include <QCoreApplication>
#include <QLocale>
#include <QTextDocument>
#include <QTimeZone>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

struct Format
{
    Q_DECLARE_TR_FUNCTIONS(Format)
};

// RFC 3339 has four digits for a year, so there are at most four million days.
QString amount(double seconds)
{
    const auto rounded = [seconds](double unit) { return static_cast<int>(std::llround(seconds / unit)); };
    if (seconds < 60)
        return Format::tr("%n second(s)", nullptr, rounded(1));
    if (seconds < 3600)
        return Format::tr("%n minute(s)", nullptr, rounded(60));
    if (seconds < 2 * 86400)
        return Format::tr("%n hour(s)", nullptr, rounded(3600));
    return Format::tr("%n day(s)", nullptr, rounded(86400));
}

// Emoji of several people or of a profession are joined by one; elsewhere nobody sees it.
bool joinsEmoji(const QList<uint> &text, qsizetype at)
{
    constexpr uint joiner = 0x200D, asEmoji = 0xFE0F;
    const auto isPicture = [&text](qsizetype place) {
        return place >= 0 && place < text.size() && (text.at(place) == asEmoji || QChar::category(text.at(place)) == QChar::Symbol_Other || QChar::category(text.at(place)) == QChar::Symbol_Modifier);
    };
    return text.at(at) == joiner && isPicture(at - 1) && isPicture(at + 1);
}

bool isUnseen(uint c)
{
    constexpr uint fillers[] = {0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0};
    switch (QChar::category(c)) {
    case QChar::Other_Control:
    case QChar::Other_Format:
    case QChar::Other_Surrogate:
    case QChar::Other_PrivateUse:
    case QChar::Separator_Line:
    case QChar::Separator_Paragraph:
        return true;
    default:
        return std::find(std::begin(fillers), std::end(fillers), c) != std::end(fillers);
    }
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
    if (ms < 0)
        return u"–"_s;
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
    if (!std::isfinite(number) || number < 0)
        return u"–"_s;
    if (number < 10'000)
        return locale.toString(number, 'f', number < 10 && number != std::floor(number) ? 1 : 0);
    if (number < 1'000'000)
        return Format::tr("%1 k").arg(locale.toString(number / 1000, 'f', 1));
    return Format::tr("%1 M").arg(locale.toString(number / 1'000'000, 'f', 1));
}

QString bytes(qint64 size)
{
    return QLocale().formattedDataSize(std::max<qint64>(size, 0), 1, QLocale::DataSizeSIFormat);
}

QString orDash(const QString &text)
{
    return text.isEmpty() ? u"–"_s : text;
}

QString shown(const QString &text, qsizetype most)
{
    const QList<uint> points = QStringView(text).left(most).toUcs4();
    QString result;
    result.reserve(points.size() + 1);
    for (qsizetype at = 0; at < points.size(); ++at) {
        const uint c = points.at(at);
        if (c != u'\n' && isUnseen(c) && !joinsEmoji(points, at))
            result += u"⟨U+%1⟩"_s.arg(c, 4, 16, QChar(u'0')).toUpper();
        else
            result += QChar::fromUcs4(c);
    }
    return text.size() > most ? result + u'…' : result;
}

QString shownLine(const QString &text)
{
    return shown(text, 200).replace(u'\n', u"⟨U+000A⟩"_s);
}

QString asPlainTip(const QString &text)
{
    const QString plain = shown(text);
    return Qt::mightBeRichText(plain) ? u"<p style='white-space:pre-wrap'>"_s + plain.toHtmlEscaped() + u"</p>"_s : plain;
}

QString withoutMarkup(const QString &text)
{
    return shown(text, 300).replace(u'<', u'‹').replace(u'>', u'›').replace(u'&', u'＆');
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
    return shown(text, 200).replace(u'&', u"&&"_s);
}

} // namespace llmproxy::ui
