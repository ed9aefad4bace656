// SPDX-License-Identifier: GPL-3.0-only
#include "client/answer.h"

#include <QRegularExpression>

#include <algorithm>
#include <cmath>

namespace llmproxy::ui {

namespace {

constexpr qsizetype longestEvent = 1 << 20;

QJsonValue boundedValue(const QJsonValue &value, int depth);

QJsonArray boundedList(const QJsonArray &list, int depth)
{
    QJsonArray kept;
    for (qsizetype at = 0; at < std::min(list.size(), longestList); ++at)
        kept.append(boundedValue(list.at(at), depth));
    return kept;
}

QJsonObject boundedObject(const QJsonObject &object, int depth)
{
    QJsonObject kept;
    for (auto field = object.begin(); field != object.end() && kept.size() < longestList; ++field) {
        if (field.key().size() <= longestText)
            kept.insert(field.key(), boundedValue(field.value(), depth));
    }
    return kept;
}

QJsonValue boundedValue(const QJsonValue &value, int depth)
{
    if ((value.isObject() || value.isArray()) && depth >= deepest)
        return {};
    if (value.isObject())
        return boundedObject(value.toObject(), depth + 1);
    if (value.isArray())
        return boundedList(value.toArray(), depth + 1);
    if (value.isString() && value.toString().size() > longestText)
        return value.toString().left(longestText);
    if (value.isDouble() && std::abs(value.toDouble()) > static_cast<double>(largestNumber))
        return value.toDouble() < 0 ? -largestNumber : largestNumber;
    return value;
}

bool isWithinBounds(const QJsonValue &value, int depth)
{
    const auto isGood = [depth](const QJsonValue &one) { return isWithinBounds(one, depth + 1); };
    if (value.isObject()) {
        const QJsonObject object = value.toObject();
        if (depth >= deepest || object.size() > longestList)
            return false;
        for (auto field = object.begin(); field != object.end(); ++field) {
            if (field.key().size() > longestText || !isGood(field.value()))
                return false;
        }
        return true;
    }
    if (value.isArray()) {
        const QJsonArray list = value.toArray();
        return depth < deepest && list.size() <= longestList && std::all_of(list.begin(), list.end(), isGood);
    }
    return !(value.isString() && value.toString().size() > longestText)
        && !(value.isDouble() && std::abs(value.toDouble()) > static_cast<double>(largestNumber));
}

} // namespace

QJsonObject bounded(const QJsonObject &body)
{
    return isWithinBounds(body, 0) ? body : boundedObject(body, 1);
}

QJsonArray forWidgets(const QJsonArray &list)
{
    QJsonArray first;
    for (qsizetype at = 0; at < std::min(list.size(), mostWidgets); ++at)
        first.append(list.at(at));
    return first;
}

qint64 whole(const QJsonValue &value, qint64 least, qint64 most, qint64 otherwise)
{
    const double number = value.toDouble(std::nan(""));
    if (std::isnan(number) || std::abs(number) > static_cast<double>(largestNumber) || number != std::floor(number))
        return otherwise;
    const auto found = static_cast<qint64>(number);
    return found >= least && found <= most ? found : otherwise;
}

qint64 seqOf(const QJsonObject &event)
{
    return whole(event.value(QLatin1String("seq")), 1, largestNumber, 0);
}

bool isAccessToken(const QString &text)
{
    static const QRegularExpression form(QStringLiteral("\\A[A-Za-z0-9_-]{8,512}\\z"));
    return form.match(text).hasMatch();
}

bool isPlainPath(const QString &path)
{
    static const QRegularExpression form(QStringLiteral("\\A(/[A-Za-z0-9_-][A-Za-z0-9_.~-]{0,127})+\\z"));
    return form.match(path).hasMatch();
}

int asInt(const QJsonValue &value)
{
    const double number = value.toDouble();
    return static_cast<int>(std::clamp(number, 0.0, static_cast<double>(std::numeric_limits<int>::max())));
}

bool PageTrail::goesOn(const QString &cursor, qsizetype items)
{
    if (items == 0 || m_seen.contains(cursor))
        return false;
    m_seen.insert(cursor);
    return true;
}

bool EventCutter::take(const QByteArray &bytes, const std::function<void(const QByteArray &event)> &event)
{
    m_rest += bytes;
    qsizetype begin = 0;
    for (qsizetype end = m_rest.indexOf("\n\n", m_searched); end >= 0; end = m_rest.indexOf("\n\n", begin)) {
        event(m_rest.mid(begin, end - begin));
        begin = end + 2;
    }
    m_rest.remove(0, begin);
    m_searched = std::max<qsizetype>(m_rest.size() - 1, 0); // the first of two line ends may stand there
    return m_rest.size() <= longestEvent;
}

} // namespace llmproxy::ui
