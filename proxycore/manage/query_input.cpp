// SPDX-License-Identifier: GPL-3.0-only
#include "base/clock.h"
#include "manage/json_input.h"
#include "manage/text_rules.h"

#include <QUrl>

#include <algorithm>

namespace llmproxy {

namespace {

// application/x-www-form-urlencoded: '+' is a space.
QString decoded(std::string_view part)
{
    QByteArray bytes(part.data(), static_cast<qsizetype>(part.size()));
    bytes.replace('+', ' ');
    return QString::fromUtf8(QByteArray::fromPercentEncoding(bytes));
}

Outcome checkParameter(const Field &field, const std::string &value)
{
    const std::string name(field.name);
    if (field.kind == FieldKind::Boolean) {
        if (value != "true" && value != "false")
            return invalidField(name, "'" + name + "' must be true or false.");
        return {};
    }
    if (field.kind == FieldKind::Integer) {
        bool isNumber = false;
        const qlonglong number = QString::fromStdString(value).toLongLong(&isNumber);
        if (!isNumber || number < field.minimum || number > field.maximum)
            return invalidField(name, "'" + name + "' must be an integer from " + std::to_string(field.minimum)
                                          + " to " + std::to_string(field.maximum) + ".");
        return {};
    }
    return checkText(value, field, name);
}

} // namespace

Result<QueryInput> QueryInput::parse(const std::string &rawQuery, const Schema &schema)
{
    QueryInput input;
    std::string_view rest(rawQuery);
    while (!rest.empty()) {
        const size_t end = rest.find('&');
        const std::string_view pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (pair.empty())
            continue;
        const size_t equals = pair.find('=');
        const std::string name = decoded(pair.substr(0, equals)).toStdString();
        const QString value = equals == std::string_view::npos ? QString() : decoded(pair.substr(equals + 1));
        const Field *field = schema.field(name);
        if (!field)
            return Error{ErrorKind::Invalid, "unknown_parameter",
                         "The parameter '" + quotable(name) + "' is not known here.", quotable(name)};
        const bool takesNone = field->kind == FieldKind::Text && field->values.empty() && field->minimum == 0;
        if (value.isEmpty() && takesNone)
            continue;
        if (value.isEmpty()) // a script's variable that was not set: it would get everything
            return invalidField(name, "'" + name + "' is empty; give it a value, or leave the parameter out.");
        if (auto failure = checkParameter(*field, value.toStdString()))
            return *failure;
        if (!input.m_values.emplace(name, value).second)
            return Error{ErrorKind::Invalid, "duplicate_field", "The parameter '" + name + "' is given twice.", name};
    }
    return input;
}

QString QueryInput::text(std::string_view name, const QString &fallback) const
{
    const auto found = m_values.find(name);
    return found == m_values.end() ? fallback : found->second;
}

int64_t QueryInput::integer(std::string_view name, int64_t fallback) const
{
    const auto found = m_values.find(name);
    return found == m_values.end() ? fallback : found->second.toLongLong();
}

bool QueryInput::boolean(std::string_view name) const
{
    return text(name) == QLatin1String("true");
}

int64_t QueryInput::time(std::string_view name) const
{
    return has(name) ? std::max<int64_t>(parseRfc3339(text(name)), 1) : 0; // the epoch is a time, too
}

} // namespace llmproxy
