// SPDX-License-Identifier: GPL-3.0-only
#include "contract.h"

#include "manage/json_input.h"
#include "manage/route_table.h"

#include <QJsonArray>
#include <QUrl>

namespace llmproxy::test {

using namespace Qt::StringLiterals;

namespace {

QString faultIn(const QJsonObject &object, const Schema &schema);

QString textOf(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

bool fits(const QJsonValue &value, const Field &field)
{
    switch (field.kind) {
    case FieldKind::Boolean:
        return value.isBool();
    case FieldKind::Integer:
    case FieldKind::Real:
        return value.isDouble();
    case FieldKind::TextList:
    case FieldKind::ObjectList:
        return value.isArray();
    case FieldKind::Object:
    case FieldKind::Map:
        return value.isObject();
    default:
        return value.isString();
    }
}

QString faultIn(const QJsonValue &value, const Field &field)
{
    if (value.isNull())
        return field.nullable ? QString() : textOf(field.name) + u" is null"_s;
    if (!fits(value, field))
        return textOf(field.name) + u" is of another kind"_s;
    if (!field.values.empty() && !textOf(field.values).split(u'|').contains(value.toString()))
        return textOf(field.name) + u" is none of "_s + textOf(field.values);
    if (field.kind == FieldKind::Object)
        return faultIn(value.toObject(), schemaNamed(field.item));
    for (const QJsonValue &one : field.kind == FieldKind::ObjectList ? value.toArray() : QJsonArray()) {
        if (const QString fault = faultIn(one.toObject(), schemaNamed(field.item)); !fault.isEmpty())
            return fault;
    }
    return {};
}

QString faultIn(const QJsonObject &object, const Schema &schema)
{
    for (const Field &field : schema.fields) {
        const QJsonValue value = object.value(textOf(field.name));
        if (value.isUndefined() && field.required)
            return textOf(schema.name) + u'.' + textOf(field.name) + u" is missing"_s;
        if (const QString fault = value.isUndefined() ? QString() : faultIn(value, field); !fault.isEmpty())
            return textOf(schema.name) + u'.' + fault;
    }
    for (const QString &key : object.keys()) {
        if (!schema.field(key.toStdString()))
            return textOf(schema.name) + u'.' + key + u" is not declared"_s;
    }
    return {};
}

} // namespace

QString callFault(const Call &call, const QByteArray &body)
{
    const RouteMatch match = matchRoute(call.method.toStdString(), call.path.toStdString());
    if (!match.route)
        return u"no such route"_s;
    QByteArray query;
    for (const auto &[name, value] : call.query)
        query += QUrl::toPercentEncoding(name) + '=' + QUrl::toPercentEncoding(value) + '&';
    if (const auto parsed = QueryInput::parse(query.toStdString(), schemaNamed(match.route->query)); !parsed)
        return QString::fromStdString(parsed.error().message);
    if (match.route->request.empty())
        return body.isEmpty() ? QString() : u"nobody reads this body"_s;
    const auto parsed = JsonInput::parse(body, "application/json", schemaNamed(match.route->request));
    return parsed ? QString() : QString::fromStdString(parsed.error().message);
}

QString answerFault(const QByteArray &method, const QString &path, const QJsonObject &body)
{
    const RouteMatch match = matchRoute(method.toStdString(), path.toStdString());
    return match.route && !match.route->answer.empty() ? faultIn(body, schemaNamed(match.route->answer)) : u"no such answer"_s;
}

} // namespace llmproxy::test
