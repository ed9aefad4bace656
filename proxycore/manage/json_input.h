// SPDX-License-Identifier: GPL-3.0-only
// A request body or query that has been checked against its declared fields: kinds, ranges, choices,
// text rules, unknown and missing fields. After that the getters only fetch. Nothing is coerced: "5" is
// not 5, 1.0 is not 1. Thread: values.
#pragma once

#include "base/result.h"
#include "manage/fields.h"
#include "manage/json_value.h"

#include <QString>
#include <QStringList>

#include <map>
#include <optional>

namespace llmproxy {

// A checked object; its values are owned by the JsonInput it came from.
class JsonObject
{
public:
    JsonObject() = default;
    JsonObject(const JsonValue *value, std::string path) : m_value(value), m_path(std::move(path)) {}

    bool has(std::string_view name) const;     // present, null included
    bool isNull(std::string_view name) const;  // present and null
    bool isEmpty() const { return !m_value || m_value->members.empty(); }
    // Fallback when absent or null.
    QString text(std::string_view name, const QString &fallback = {}) const;
    std::string_view secret(std::string_view name) const; // as readCredential() reads it; empty when absent
    std::optional<int64_t> integer(std::string_view name) const;
    bool boolean(std::string_view name, bool fallback) const;
    int64_t time(std::string_view name) const; // milliseconds; 0 when absent
    QStringList list(std::string_view name) const;
    std::vector<JsonObject> objects(std::string_view name) const;
    std::vector<std::string> names() const; // as given
    // The name as an error calls it: "providers[1].api_key".
    std::string fieldName(std::string_view name) const { return m_path + std::string(name); }

private:
    const JsonValue *get(std::string_view name) const;
    const JsonValue *m_value = nullptr;
    std::string m_path;
};

class JsonInput
{
public:
    // An empty body counts as {} when no field is required.
    static Result<JsonInput> parse(const QByteArray &body, const std::string &contentType, const Schema &schema);
    JsonObject root() const { return {m_value.get(), {}}; }

private:
    std::shared_ptr<const JsonValue> m_value;
};

// The query of a request; values are checked texts. An empty one counts as absent where empty is accepted, and is an error elsewhere.
class QueryInput
{
public:
    static Result<QueryInput> parse(const std::string &rawQuery, const Schema &schema);
    bool has(std::string_view name) const { return m_values.find(name) != m_values.end(); }
    QString text(std::string_view name, const QString &fallback = {}) const;
    int64_t integer(std::string_view name, int64_t fallback) const;
    bool boolean(std::string_view name) const;
    int64_t time(std::string_view name) const; // 0 when absent

private:
    std::map<std::string, QString, std::less<>> m_values;
};

Error invalidField(std::string field, std::string message);

} // namespace llmproxy
