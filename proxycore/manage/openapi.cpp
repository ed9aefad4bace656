// SPDX-License-Identifier: GPL-3.0-only
// The OpenAPI 3.1 description, made from the route table and the declared fields.
#include "manage/resources.h"
#include "manage/route_table.h"
#include "manage/text_rules.h"

#include <QJsonArray>
#include <QJsonDocument>

namespace llmproxy {

namespace {

QString q(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

QJsonObject referenceTo(std::string_view schema)
{
    return {{QStringLiteral("$ref"), QStringLiteral("#/components/schemas/") + q(schema)}};
}

QJsonArray choicesOf(const Field &field)
{
    QJsonArray choices;
    for (const QString &value : q(field.values).split(QLatin1Char('|')))
        choices.append(value);
    if (field.nullable)
        choices.append(QJsonValue());
    return choices;
}

QJsonValue typeOf(const char *name, bool nullable)
{
    const QString type = QString::fromLatin1(name);
    return nullable ? QJsonValue(QJsonArray{type, QStringLiteral("null")}) : QJsonValue(type);
}

QJsonObject textSchema(const Field &field, SchemaUse use)
{
    QJsonObject schema{{QStringLiteral("type"), typeOf("string", field.nullable)}};
    if (!field.values.empty()) {
        schema.insert(QStringLiteral("enum"), choicesOf(field));
    } else if (field.kind == FieldKind::Time) {
        schema.insert(QStringLiteral("format"), QStringLiteral("date-time"));
    } else if (use != SchemaUse::Answer) {
        schema.insert(QStringLiteral("minLength"), qint64{field.minimum});
        schema.insert(QStringLiteral("maxLength"), qint64{field.maximum});
        if (field.kind == FieldKind::Identifier)
            schema.insert(QStringLiteral("pattern"), QStringLiteral("^[A-Za-z0-9_-]{1,64}$"));
        else if (field.kind == FieldKind::Text)
            schema.insert(QStringLiteral("pattern"), q(field.pattern.empty() ? textPattern : field.pattern));
        else
            schema.insert(QStringLiteral("writeOnly"), true);
    }
    return schema;
}

QJsonObject listSchema(const Field &field, SchemaUse use, const QJsonObject &items)
{
    QJsonObject schema{{QStringLiteral("type"), typeOf("array", field.nullable)}, {QStringLiteral("items"), items}};
    if (use == SchemaUse::Input) {
        schema.insert(QStringLiteral("minItems"), qint64{field.minimum});
        schema.insert(QStringLiteral("maxItems"), qint64{field.maximum});
    }
    return schema;
}

QJsonObject bareSchema(const Field &field, SchemaUse use)
{
    switch (field.kind) {
    case FieldKind::Text:
    case FieldKind::Identifier:
    case FieldKind::Secret:
    case FieldKind::Time:
        return textSchema(field, use);
    case FieldKind::Boolean:
        return {{QStringLiteral("type"), typeOf("boolean", field.nullable)}};
    case FieldKind::Integer:
        return {{QStringLiteral("type"), typeOf("integer", field.nullable)},
                {QStringLiteral("minimum"), qint64{field.minimum}},
                {QStringLiteral("maximum"), qint64{field.maximum}}};
    case FieldKind::Real:
        return {{QStringLiteral("type"), typeOf("number", field.nullable)}, {QStringLiteral("minimum"), 0}};
    case FieldKind::TextList:
        return listSchema(field, use, textSchema({.pattern = field.pattern}, use));
    case FieldKind::ObjectList:
        return listSchema(field, use, referenceTo(field.item));
    case FieldKind::Object:
        return referenceTo(field.item);
    case FieldKind::Map:
        return {{QStringLiteral("type"), QStringLiteral("object")},
                {QStringLiteral("additionalProperties"),
                 QJsonObject{{QStringLiteral("type"), QJsonArray{QStringLiteral("string"), QStringLiteral("integer"),
                                                                 QStringLiteral("boolean"), QStringLiteral("array")}},
                             {QStringLiteral("items"), QJsonObject{{QStringLiteral("type"), QStringLiteral("integer")}}}}}};
    case FieldKind::Unavailable:
        return {{QStringLiteral("enum"), QJsonArray{QJsonValue(), 0, QString(), QJsonArray(), QJsonObject()}}};
    }
    return {};
}

QJsonObject fieldSchema(const Field &field, SchemaUse use)
{
    QJsonObject schema = bareSchema(field, use);
    schema.insert(QStringLiteral("description"), q(field.meaning));
    return schema;
}

QJsonObject objectSchema(const Schema &declared)
{
    QJsonObject properties;
    QJsonArray required;
    for (const Field &field : declared.fields) {
        properties.insert(q(field.name), fieldSchema(field, declared.use));
        if (field.required)
            required.append(q(field.name));
    }
    QJsonObject schema{{QStringLiteral("type"), QStringLiteral("object")},
                       {QStringLiteral("description"), q(declared.meaning)},
                       {QStringLiteral("properties"), properties},
                       {QStringLiteral("additionalProperties"), false}};
    if (!required.isEmpty())
        schema.insert(QStringLiteral("required"), required);
    QJsonArray never;
    for (const auto &[one, other] : declared.exclusive)
        never.append(QJsonObject{{QStringLiteral("required"), QJsonArray{q(one), q(other)}}});
    if (!never.isEmpty())
        schema.insert(QStringLiteral("not"), QJsonObject{{QStringLiteral("anyOf"), never}});
    return schema;
}

QJsonObject contentOf(const QJsonObject &schema, std::string_view types = "application/json")
{
    const QString json = QStringLiteral("application/json");
    QJsonObject content;
    const QStringList all = q(types).split(QLatin1Char('|'));
    for (const QString &type : all) {
        const bool isText = type != json && type != QLatin1String("text/event-stream");
        content.insert(type, QJsonObject{{QStringLiteral("schema"), isText ? QJsonObject{{QStringLiteral("type"), QStringLiteral("string")}} : schema}});
    }
    return content;
}

QJsonArray parametersOf(const Route &route)
{
    QJsonArray parameters;
    if (route.path.find("{id}") != std::string_view::npos) {
        parameters.append(QJsonObject{
            {QStringLiteral("name"), QStringLiteral("id")},
            {QStringLiteral("in"), QStringLiteral("path")},
            {QStringLiteral("required"), true},
            {QStringLiteral("schema"), QJsonObject{{QStringLiteral("type"), QStringLiteral("string")}}}});
    }
    for (const Field &field : schemaNamed(route.query).fields) {
        parameters.append(QJsonObject{{QStringLiteral("name"), q(field.name)},
                                      {QStringLiteral("in"), QStringLiteral("query")},
                                      {QStringLiteral("description"), q(field.meaning)},
                                      {QStringLiteral("schema"), bareSchema(field, SchemaUse::Query)}});
    }
    return parameters;
}

QJsonObject responsesOf(const Route &route)
{
    QJsonObject schema{{QStringLiteral("type"), QStringLiteral("object")}};
    if (!route.answer.empty())
        schema = referenceTo(route.answer);
    QJsonObject responses{{QString::number(route.status),
                           QJsonObject{{QStringLiteral("description"), q(route.summary)},
                                       {QStringLiteral("content"), contentOf(schema, route.content)}}}};
    // 408, 413, 414, 421 and 431 are said by front, in front of every resource.
    std::vector<int> refusals{400, 401, 403, 408, 412, 413, 414, 421, 429, 431, 500, 503};
    if (route.path.find("{id}") != std::string_view::npos || route.request == "TokenCreate" || route.request == "ProviderCheck")
        refusals.push_back(404);
    if (waitsForEvent(route) || route.action == Action::AuditRead)
        refusals.push_back(409);
    for (const int status : refusals)
        responses.insert(QString::number(status),
                         QJsonObject{{QStringLiteral("$ref"), QStringLiteral("#/components/responses/Refused")}});
    return responses;
}

QJsonObject operationOf(const Route &route)
{
    QJsonObject operation{{QStringLiteral("operationId"), q(route.operation)},
                          {QStringLiteral("summary"), q(route.summary)},
                          {QStringLiteral("parameters"), parametersOf(route)},
                          {QStringLiteral("responses"), responsesOf(route)}};
    if (route.action != Action::None)
        operation.insert(QStringLiteral("x-audit-action"), q(nameOf(route.action)));
    if (route.request.empty())
        return operation;
    bool needed = false;
    for (const Field &field : schemaNamed(route.request).fields)
        needed = needed || field.required;
    operation.insert(QStringLiteral("requestBody"),
                     QJsonObject{{QStringLiteral("required"), needed},
                                 {QStringLiteral("content"), contentOf(referenceTo(route.request))}});
    return operation;
}

QJsonObject componentsObject()
{
    QJsonObject declared;
    for (const Schema &schema : schemas()) {
        if (schema.use != SchemaUse::Query)
            declared.insert(q(schema.name), objectSchema(schema));
    }
    const QJsonObject bearer{{QStringLiteral("type"), QStringLiteral("http")},
                             {QStringLiteral("scheme"), QStringLiteral("bearer")},
                             {QStringLiteral("description"), QStringLiteral("The management token.")}};
    const QJsonObject refused{{QStringLiteral("description"), QStringLiteral("Refused; the code says why.")},
                              {QStringLiteral("content"), contentOf(referenceTo("Error"))}};
    return {{QStringLiteral("schemas"), declared},
            {QStringLiteral("responses"), QJsonObject{{QStringLiteral("Refused"), refused}}},
            {QStringLiteral("securitySchemes"), QJsonObject{{QStringLiteral("managementToken"), bearer}}}};
}

QJsonObject description()
{
    QJsonObject paths;
    for (const Route &route : routeTable()) {
        QJsonObject item = paths.value(q(route.path)).toObject();
        item.insert(q(route.method).toLower(), operationOf(route));
        paths.insert(q(route.path), item);
    }
    return {{QStringLiteral("openapi"), QStringLiteral("3.1.0")},
            {QStringLiteral("info"), QJsonObject{{QStringLiteral("title"), QStringLiteral("LLM Proxy management")},
                                                 {QStringLiteral("version"), QStringLiteral(LLM_PROXY_VERSION)}}},
            {QStringLiteral("paths"), paths},
            {QStringLiteral("components"), componentsObject()},
            {QStringLiteral("security"),
             QJsonArray{QJsonObject{{QStringLiteral("managementToken"), QJsonArray()}}}}};
}

} // namespace

QByteArray ManageApi::openApi()
{
    static const QByteArray text = QJsonDocument(description()).toJson(QJsonDocument::Compact);
    return text;
}

void readOpenApi(const CallPtr &call)
{
    ManageAnswer served;
    served.body = ManageApi::openApi();
    call->complete(std::move(served));
}

} // namespace llmproxy
