// SPDX-License-Identifier: GPL-3.0-only
#include "pages/tokens/token_columns.h"

#include "style/format.h"

#include <QCoreApplication>

namespace llmproxy::ui {

using namespace Qt::StringLiterals;

namespace {

struct TokenColumns
{
    Q_DECLARE_TR_FUNCTIONS(TokenColumns)
};

constexpr qint64 soonMs = 3'600'000;

QString stateText(const QJsonObject &token)
{
    const QString state = token.value("state"_L1).toString();
    if (state == "active"_L1)
        return TokenColumns::tr("active");
    if (state == "grace"_L1)
        return TokenColumns::tr("in grace");
    return state == "expired"_L1 ? TokenColumns::tr("expired") : TokenColumns::tr("revoked");
}

bool isLive(const QJsonObject &token)
{
    const QString state = token.value("state"_L1).toString();
    return state == "active"_L1 || state == "grace"_L1;
}

QDateTime endOf(const QJsonObject &token)
{
    return timeOf(token.value(token.value("state"_L1).toString() == "grace"_L1 ? "grace_until"_L1 : "expires_at"_L1));
}

Tone stateTone(const QJsonObject &token)
{
    if (!isLive(token))
        return token.value("state"_L1).toString() == "revoked"_L1 ? Tone::Bad : Tone::Neutral;
    return QDateTime::currentDateTimeUtc().msecsTo(endOf(token)) < soonMs ? Tone::Warn : Tone::Good;
}

QString useText(const QJsonObject &token)
{
    const double used = token.value("request_count"_L1).toDouble(), most = token.value("max_requests"_L1).toDouble();
    return most > 0 ? TokenColumns::tr("%1 of %2").arg(count(used), count(most)) : count(used);
}

double useShare(const QJsonObject &token)
{
    const double most = token.value("max_requests"_L1).toDouble();
    return most > 0 ? token.value("request_count"_L1).toDouble() / most : -1;
}

Column timeColumn(const QString &title, const QLatin1String &name, bool isExtra)
{
    return {title, [name](const QJsonObject &o) { return relative(timeOf(o.value(name))); }, [name](const QJsonObject &o) { return o.value(name).toString(); },
            [name](const QJsonObject &o) { return bothTimes(timeOf(o.value(name))); }, {}, {}, false, 0, false, isExtra};
}

} // namespace

std::vector<Column> tokenColumns(const std::function<QString(const QString &id)> &projectName)
{
    const auto named = [projectName](const QJsonObject &o) { return projectName(o.value("project_id"_L1).toString()); };
    const auto modelTokens = [](const QJsonObject &o) { return o.value("prompt_tokens"_L1).toDouble() + o.value("completion_tokens"_L1).toDouble(); };
    return {
        {TokenColumns::tr("Name"), [](const QJsonObject &o) { return orDash(o.value("name"_L1).toString()); }, {}, [](const QJsonObject &o) { return o.value("note"_L1).toString(); }, {}, {}, false, 0, true},
        {TokenColumns::tr("State"), stateText, {}, {}, stateTone, {}, false, 110}, // the longest of its words, before one has it
        {TokenColumns::tr("Expires"), [](const QJsonObject &o) { return isLive(o) ? relative(endOf(o)) : u"–"_s; },
         // What lives comes first, the soonest end on top.
         [](const QJsonObject &o) { return (isLive(o) ? u"0"_s : u"1"_s) + endOf(o).toString(Qt::ISODateWithMs); }, [](const QJsonObject &o) { return bothTimes(endOf(o)); }},
        {TokenColumns::tr("Project"), named, {}, {}, {}, {}, false, 0, true},
        {TokenColumns::tr("Requests"), useText, [](const QJsonObject &o) { return o.value("request_count"_L1).toDouble(); }, {}, {}, useShare, false, 100},
        yielding(2, {TokenColumns::tr("Rate limit"),
         [](const QJsonObject &o) { return o.value("rate_limit"_L1).toInt() > 0 ? TokenColumns::tr("%1/min").arg(count(o.value("rate_limit"_L1).toDouble())) : TokenColumns::tr("none"); },
         [](const QJsonObject &o) { return o.value("rate_limit"_L1).toInt(); }, {}, {}, {}, true}),
        yielding(4, timeColumn(TokenColumns::tr("Last used"), "last_used_at"_L1, false)),
        yielding(3, {TokenColumns::tr("Model tokens"), [modelTokens](const QJsonObject &o) { return count(modelTokens(o)); }, modelTokens,
         [](const QJsonObject &o) { return TokenColumns::tr("%1 sent, %2 received").arg(count(o.value("prompt_tokens"_L1).toDouble()), count(o.value("completion_tokens"_L1).toDouble())); }, {}, {}, true}),
        yielding(1, {TokenColumns::tr("Token"), [](const QJsonObject &o) { return o.value("token_masked"_L1).toString(); }, {}, [](const QJsonObject &o) { return o.value("id"_L1).toString(); }}),
        timeColumn(TokenColumns::tr("Created"), "created_at"_L1, true),
    };
}

} // namespace llmproxy::ui
