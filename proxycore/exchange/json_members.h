// SPDX-License-Identifier: GPL-3.0-only
// Reads a whole JSON text strictly (RFC 8259) and says what the members of its object are. It keeps a few kilobytes, however
// large the text is: simdjson's tape and indexes are fourteen times the text, which is more than all held bodies may take
// together. Thread: any.
#pragma once

#include <functional>
#include <string_view>

namespace llmproxy {

enum class JsonKind { Object, Array, String, Number, True, False, Null };

struct JsonItem
{
    std::string_view key;   // of the member, unescaped
    JsonKind kind;
    std::string_view text;  // of a String, unescaped
    bool isElement = false; // of the member's list
    bool isCut = false;     // key or text go on: only their first mostKept bytes are here
    static constexpr size_t mostKept = 4096;
};

// Told of each member; of the elements of a list as well when true was returned for it.
using JsonItemFound = std::function<bool(const JsonItem &item)>;

enum class JsonText { Broken, Object, Other };

// Broken: not JSON, not UTF-8, nested deeper than 1,024, half of a surrogate pair, or with bytes behind its end or before its
// beginning. What was told before is void then.
JsonText readJsonMembers(std::string_view text, const JsonItemFound &found);

} // namespace llmproxy
