// SPDX-License-Identifier: GPL-3.0-only
// The declared fields of every request body, query and answer of the management API. The input reader
// checks against them, the OpenAPI description is made from them: one line per field, no second list.
// Thread: immutable.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace llmproxy {

enum class FieldKind {
    Text,        // UTF-8, minimum..maximum characters, no control or bidirectional-override characters
    Identifier,  // [A-Za-z0-9_-]{1,64}
    Secret,      // printable ASCII without spaces; write-only, or the one answer that shows a new token
    Boolean,
    Integer,
    Real,        // answers only
    Time,        // RFC 3339
    TextList,
    Object,
    ObjectList,
    Map,         // object with free keys (audit details)
    Unavailable, // its feature is not in this version: only empty values are accepted
};

struct Field
{
    std::string_view name = {};
    FieldKind kind = FieldKind::Text;
    std::string_view meaning = {};
    bool required = false;       // answers: always present
    bool nullable = false;
    int64_t minimum = 1;         // integers: the value; texts: characters; lists: items
    int64_t maximum = 200;
    std::string_view values = {}; // "a|b|c": nothing else is accepted
    std::string_view item = {};   // schema of the object, or of the list's objects
    std::string_view pattern = {}; // description only: a regular expression (ECMA-262) that every accepted text matches; empty: textPattern
};

enum class SchemaUse { Input, Answer, Query };

struct Schema
{
    std::string_view name;
    SchemaUse use = SchemaUse::Answer;
    std::string_view meaning;
    std::vector<Field> fields;
    std::vector<std::pair<std::string_view, std::string_view>> exclusive = {}; // never both

    const Field *field(std::string_view fieldName) const;
};

const std::vector<Schema> &schemas();
// The name must be declared.
const Schema &schemaNamed(std::string_view name);

} // namespace llmproxy
