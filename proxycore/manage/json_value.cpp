// SPDX-License-Identifier: GPL-3.0-only
#include "manage/json_value.h"

#include "audit/masking.h"
#include "secrets/secret.h"

#include <simdjson.h>

#include <cmath>
#include <set>

namespace llmproxy {

namespace {

constexpr int maximumDepth = 16;

Error malformed(std::string message, std::string field = {}, std::string code = "bad_request")
{
    return {ErrorKind::Invalid, std::move(code), std::move(message), std::move(field)};
}

Outcome convert(const simdjson::dom::element &from, JsonValue &to, int depth);

Outcome convertObject(const simdjson::dom::object &object, JsonValue &to, int depth)
{
    to.type = JsonValue::Type::Object;
    std::set<std::string_view> seen;
    for (const auto [key, value] : object) {
        if (!seen.insert(key).second) {
            const std::string name = quotable(key);
            return malformed("The field '" + name + "' is given twice; give it once.", name, "duplicate_field");
        }
        JsonValue member;
        if (auto failure = convert(value, member, depth + 1))
            return failure;
        to.members.emplace_back(std::string(key), std::move(member));
    }
    return {};
}

Outcome convertArray(const simdjson::dom::array &array, JsonValue &to, int depth)
{
    to.type = JsonValue::Type::List;
    for (const simdjson::dom::element item : array) {
        to.items.emplace_back();
        if (auto failure = convert(item, to.items.back(), depth + 1))
            return failure;
    }
    return {};
}

// 5.0 and 5e0 are the integer 5 (JSON Schema, validation, section 6.1.1), as far as a double keeps integers exactly.
void convertReal(double value, JsonValue &to)
{
    constexpr double safe = 9'007'199'254'740'991;
    const bool isInteger = std::fabs(value) <= safe && std::trunc(value) == value;
    to.type = isInteger ? JsonValue::Type::Integer : JsonValue::Type::Real;
    to.integer = isInteger ? static_cast<int64_t>(value) : 0;
}

Outcome convert(const simdjson::dom::element &from, JsonValue &to, int depth)
{
    using simdjson::dom::element_type;
    if (depth > maximumDepth)
        return malformed("The body is nested too deeply.");
    switch (from.type()) {
    case element_type::NULL_VALUE:
        return {};
    case element_type::BOOL:
        to.type = JsonValue::Type::Boolean;
        to.boolean = from.get_bool().value_unsafe();
        return {};
    case element_type::INT64:
        to.type = JsonValue::Type::Integer;
        to.integer = from.get_int64().value_unsafe();
        return {};
    case element_type::DOUBLE:
        convertReal(from.get_double().value_unsafe(), to);
        return {};
    case element_type::UINT64: // beyond int64: no field takes it
        to.type = JsonValue::Type::Real;
        return {};
    case element_type::STRING:
        to.type = JsonValue::Type::Text;
        to.text = from.get_string().value_unsafe();
        return {};
    case element_type::ARRAY:
        return convertArray(from.get_array().value_unsafe(), to, depth);
    case element_type::OBJECT:
        return convertObject(from.get_object().value_unsafe(), to, depth);
    }
    return malformed("The body is not JSON.");
}

// The parser's copy of every string of the document.
void wipeStrings(simdjson::dom::parser &parser)
{
    // simdjson reserves 5/3 of the document's capacity for strings, rounded up (dom::document::allocate()).
    if (parser.doc.string_buf)
        wipe(parser.doc.string_buf.get(), 5 * parser.doc.capacity() / 3);
}

} // namespace

JsonValue::~JsonValue()
{
    wipe(text.data(), text.size());
}

const JsonValue *JsonValue::member(std::string_view name) const
{
    for (const auto &[key, value] : members) {
        if (key == name)
            return &value;
    }
    return nullptr;
}

Result<JsonValue> parseJson(const QByteArray &body)
{
    simdjson::padded_string padded(body.constData(), static_cast<size_t>(body.size()));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    const auto problem = parser.parse(padded).get(root);
    wipe(padded.data(), padded.size());
    JsonValue value;
    Outcome failure;
    if (problem)
        failure = malformed("The body is not valid JSON in UTF-8.");
    else
        failure = convert(root, value, 0);
    wipeStrings(parser);
    if (failure)
        return *failure;
    return value;
}

std::string quotable(std::string_view name)
{
    constexpr size_t longest = 64;
    std::string text = redactText(name.substr(0, 1024));
    for (char &c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e)
            c = '?';
    }
    if (text.size() > longest)
        text.replace(longest, std::string::npos, "...");
    return text;
}

} // namespace llmproxy
