// SPDX-License-Identifier: GPL-3.0-only
// A parsed JSON body as a plain tree. Duplicate keys are refused instead of dropped, and texts are wiped when the tree dies: they may be
// keys.
// Thread: values.
#pragma once

#include "base/result.h"

#include <QByteArray>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace llmproxy {

struct JsonValue
{
    // Real: any number that is not an integer of 64 bits (1.0 is one); no field takes one, so its value is not kept.
    enum class Type { Null, Boolean, Integer, Real, Text, List, Object };

    JsonValue() = default;
    ~JsonValue();
    JsonValue(JsonValue &&) noexcept = default;
    JsonValue &operator=(JsonValue &&) noexcept = default;
    JsonValue(const JsonValue &) = delete;
    JsonValue &operator=(const JsonValue &) = delete;

    const JsonValue *member(std::string_view name) const;

    Type type = Type::Null;
    bool boolean = false;
    int64_t integer = 0;
    std::string text;
    std::vector<JsonValue> items;
    std::vector<std::pair<std::string, JsonValue>> members;
};

// Strict: RFC 8259, UTF-8, no duplicate keys, at most 16 levels.
Result<JsonValue> parseJson(const QByteArray &body);

// A name from outside, fit to be repeated in an error message: short, nothing that looks like a secret.
std::string quotable(std::string_view name);

} // namespace llmproxy
