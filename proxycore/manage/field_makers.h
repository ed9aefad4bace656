// SPDX-License-Identifier: GPL-3.0-only
// Short words for declaring fields and schemas, and the parts of the declaration (fields.cpp and fields_*.cpp).
// Thread: any.
#pragma once

#include "manage/fields.h"

#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy::declared {

constexpr int64_t safeInteger = 9'007'199'254'740'991; // 2^53-1: what every JSON reader keeps exactly
constexpr int64_t minutesOfCentury = 100LL * 366 * 24 * 60;

inline Field text(std::string_view name, std::string_view meaning, int64_t maximum = 200)
{
    return {.name = name, .meaning = meaning, .maximum = maximum};
}

// A duration as parseDurationMs() reads it.
inline Field duration(std::string_view name, std::string_view meaning)
{
    return {.name = name, .meaning = meaning, .maximum = 20, .pattern = "^(0|[0-9]+(ms|s|m|h|d))$"};
}

inline Field url(std::string_view name, std::string_view meaning)
{
    return {.name = name, .meaning = meaning, .maximum = 2048, .pattern = "^[Hh][Tt][Tt][Pp][Ss]?://[^\\u0000-\\u0020]+$"};
}

inline Field choice(std::string_view name, std::string_view values, std::string_view meaning)
{
    return {.name = name, .meaning = meaning, .values = values};
}

inline Field flag(std::string_view name, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::Boolean, .meaning = meaning};
}

inline Field number(std::string_view name, std::string_view meaning, int64_t minimum = 0, int64_t maximum = safeInteger)
{
    return {.name = name, .kind = FieldKind::Integer, .meaning = meaning, .minimum = minimum, .maximum = maximum};
}

inline Field real(std::string_view name, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::Real, .meaning = meaning};
}

inline Field time(std::string_view name, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::Time, .meaning = meaning};
}

inline Field list(std::string_view name, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::TextList, .meaning = meaning, .minimum = 0, .maximum = 100};
}

inline Field object(std::string_view name, std::string_view item, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::Object, .meaning = meaning, .item = item};
}

inline Field objects(std::string_view name, std::string_view item, std::string_view meaning, int64_t minimum = 0,
              int64_t maximum = 1000)
{
    return {.name = name, .kind = FieldKind::ObjectList, .meaning = meaning, .minimum = minimum,
            .maximum = maximum, .item = item};
}

inline Field secret(std::string_view name, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::Secret, .meaning = meaning, .maximum = 8192};
}

inline Field identifier(std::string_view name, std::string_view meaning)
{
    return {.name = name, .kind = FieldKind::Identifier, .meaning = meaning, .maximum = 64};
}

inline Field unavailable(std::string_view name)
{
    return {.name = name, .kind = FieldKind::Unavailable,
            .meaning = "Not available in this version; only an empty value is accepted.", .nullable = true};
}

inline Field required(Field field)
{
    field.required = true;
    return field;
}

inline Field nullable(Field field)
{
    field.nullable = true;
    return field;
}

using Fields = std::vector<Field>;

inline Fields operator+(Fields left, const Fields &right)
{
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

inline Schema input(std::string_view name, std::string_view meaning, Fields fields, Pairs exclusive = {})
{
    return {name, SchemaUse::Input, meaning, std::move(fields), std::move(exclusive)};
}

inline Schema query(std::string_view name, Fields fields)
{
    return {name, SchemaUse::Query, {}, std::move(fields)};
}

// Answers always carry every field; what has no value is null.
inline Schema answer(std::string_view name, std::string_view meaning, Fields fields)
{
    for (Field &field : fields)
        field.required = true;
    return {name, SchemaUse::Answer, meaning, std::move(fields)};
}

// fields_settings.cpp, fields_usage.cpp
void addSettingsSchemas(std::vector<Schema> &all);
void addUsageSchemas(std::vector<Schema> &all);

} // namespace llmproxy::declared
