// SPDX-License-Identifier: GPL-3.0-only
#include "manage/json_input.h"

#include "base/clock.h"
#include "manage/text_rules.h"
#include "secrets/credential_text.h"

#include <algorithm>

namespace llmproxy {

namespace {

using Type = JsonValue::Type;

Outcome checkObject(const JsonValue &value, const Schema &schema, const std::string &path);

Outcome checkInteger(const JsonValue &value, const Field &field, const std::string &name)
{
    if (value.type != Type::Integer || value.integer < field.minimum || value.integer > field.maximum)
        return invalidField(name, "'" + name + "' must be an integer from " + std::to_string(field.minimum) + " to "
                                      + std::to_string(field.maximum) + ".");
    return {};
}

Outcome checkTextList(const JsonValue &value, const Field &field, const std::string &name)
{
    if (value.type != Type::List || static_cast<int64_t>(value.items.size()) > field.maximum)
        return invalidField(name, "'" + name + "' must be a list of at most " + std::to_string(field.maximum)
                                      + " texts.");
    for (size_t i = 0; i < value.items.size(); ++i) {
        const std::string itemName = name + "[" + std::to_string(i) + "]";
        if (value.items[i].type != Type::Text)
            return invalidField(itemName, "'" + itemName + "' must be a text.");
        if (auto failure = checkText(value.items[i].text, {.name = name}, itemName))
            return failure;
    }
    return {};
}

Outcome checkObjectList(const JsonValue &value, const Field &field, const std::string &name)
{
    const auto count = static_cast<int64_t>(value.items.size());
    if (value.type != Type::List || count < field.minimum || count > field.maximum)
        return invalidField(name, "'" + name + "' must be a list of " + std::to_string(field.minimum) + " to "
                                      + std::to_string(field.maximum) + " objects.");
    for (size_t i = 0; i < value.items.size(); ++i) {
        const std::string itemName = name + "[" + std::to_string(i) + "]";
        if (value.items[i].type != Type::Object)
            return invalidField(itemName, "'" + itemName + "' must be an object.");
        if (auto failure = checkObject(value.items[i], schemaNamed(field.item), itemName + "."))
            return failure;
    }
    return {};
}

Outcome checkUnavailable(const JsonValue &value, const std::string &name)
{
    const bool empty = value.type == Type::Null || (value.type == Type::Integer && value.integer == 0)
        || (value.type == Type::Text && value.text.empty()) || (value.type == Type::List && value.items.empty())
        || (value.type == Type::Object && value.members.empty());
    if (empty)
        return {};
    return invalidField(name, "'" + name + "' is not available in this version; leave it out.");
}

Outcome checkValue(const JsonValue &value, const Field &field, const std::string &name)
{
    if (field.kind == FieldKind::Unavailable)
        return checkUnavailable(value, name);
    if (value.type == Type::Null) {
        if (field.nullable)
            return {};
        return invalidField(name, "'" + name + "' must not be null.");
    }
    switch (field.kind) {
    case FieldKind::Boolean:
        if (value.type != Type::Boolean)
            return invalidField(name, "'" + name + "' must be true or false.");
        return {};
    case FieldKind::Integer:
        return checkInteger(value, field, name);
    case FieldKind::TextList:
        return checkTextList(value, field, name);
    case FieldKind::ObjectList:
        return checkObjectList(value, field, name);
    case FieldKind::Object:
        if (value.type != Type::Object)
            return invalidField(name, "'" + name + "' must be an object.");
        return checkObject(value, schemaNamed(field.item), name + ".");
    case FieldKind::Text:
    case FieldKind::Identifier:
    case FieldKind::Secret:
    case FieldKind::Time:
        if (value.type != Type::Text)
            return invalidField(name, "'" + name + "' must be a text.");
        return checkText(value.text, field, name);
    case FieldKind::Real:
    case FieldKind::Map:
    case FieldKind::Unavailable:
        break;
    }
    return invalidField(name, "'" + name + "' is not accepted here.");
}

Outcome checkObject(const JsonValue &value, const Schema &schema, const std::string &path)
{
    for (const auto &[key, member] : value.members) {
        const Field *field = schema.field(key);
        if (!field) {
            const std::string name = path + quotable(key);
            return Error{ErrorKind::Invalid, "unknown_field", "The field '" + name + "' is not known here.", name};
        }
        if (auto failure = checkValue(member, *field, path + key))
            return failure;
    }
    for (const auto &[one, other] : schema.exclusive) {
        if (value.member(one) && value.member(other)) {
            const std::string name = path + std::string(other);
            return invalidField(name, "Give either '" + path + std::string(one) + "' or '" + name + "', not both.");
        }
    }
    for (const Field &field : schema.fields) {
        if (field.required && !value.member(field.name)) {
            const std::string name = path + std::string(field.name);
            return Error{ErrorKind::Invalid, "missing_field", "The field '" + name + "' is needed.", name};
        }
    }
    return {};
}

bool isJsonContentType(const std::string &contentType)
{
    std::string type = contentType.substr(0, contentType.find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
        type.pop_back();
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return type == "application/json";
}

} // namespace

Error invalidField(std::string field, std::string message)
{
    return {ErrorKind::Invalid, "invalid_field", std::move(message), std::move(field)};
}

Result<JsonInput> JsonInput::parse(const QByteArray &body, const std::string &contentType, const Schema &schema)
{
    JsonInput input;
    JsonValue root;
    root.type = Type::Object;
    if (!body.isEmpty()) {
        if (!isJsonContentType(contentType))
            return Error{ErrorKind::Invalid, "bad_request", "Send the body with Content-Type: application/json.",
                         "Content-Type"};
        auto parsed = parseJson(body);
        if (!parsed)
            return parsed.error();
        root = std::move(*parsed);
        if (root.type != Type::Object)
            return Error{ErrorKind::Invalid, "bad_request", "The body must be a JSON object.", {}};
    }
    if (auto failure = checkObject(root, schema, {}))
        return *failure;
    input.m_value = std::make_shared<const JsonValue>(std::move(root));
    return input;
}

const JsonValue *JsonObject::get(std::string_view name) const
{
    const JsonValue *value = m_value ? m_value->member(name) : nullptr;
    return value && value->type != Type::Null ? value : nullptr;
}

bool JsonObject::has(std::string_view name) const
{
    return m_value && m_value->member(name);
}

bool JsonObject::isNull(std::string_view name) const
{
    return has(name) && !get(name);
}

QString JsonObject::text(std::string_view name, const QString &fallback) const
{
    const JsonValue *value = get(name);
    return value ? QString::fromStdString(value->text) : fallback;
}

std::string_view JsonObject::secret(std::string_view name) const
{
    const JsonValue *value = get(name);
    return value ? readCredential(value->text).value : std::string_view();
}

std::optional<int64_t> JsonObject::integer(std::string_view name) const
{
    const JsonValue *value = get(name);
    return value ? std::optional(value->integer) : std::nullopt;
}

bool JsonObject::boolean(std::string_view name, bool fallback) const
{
    const JsonValue *value = get(name);
    return value ? value->boolean : fallback;
}

int64_t JsonObject::time(std::string_view name) const
{
    const JsonValue *value = get(name);
    return value ? std::max<int64_t>(parseRfc3339(QString::fromStdString(value->text)), 1) : 0; // the epoch is a time, too
}

QStringList JsonObject::list(std::string_view name) const
{
    QStringList texts;
    if (const JsonValue *value = get(name)) {
        for (const JsonValue &item : value->items)
            texts.append(QString::fromStdString(item.text));
    }
    return texts;
}

std::vector<JsonObject> JsonObject::objects(std::string_view name) const
{
    std::vector<JsonObject> found;
    if (const JsonValue *value = get(name)) {
        for (size_t i = 0; i < value->items.size(); ++i)
            found.emplace_back(&value->items[i], fieldName(name) + "[" + std::to_string(i) + "].");
    }
    return found;
}

std::vector<std::string> JsonObject::names() const
{
    std::vector<std::string> found;
    if (m_value) {
        for (const auto &member : m_value->members)
            found.push_back(member.first);
    }
    return found;
}

} // namespace llmproxy
