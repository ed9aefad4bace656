// SPDX-License-Identifier: GPL-3.0-only
// multipart/form-data (RFC 7578) read the one way in which all parsers agree; what two could read differently
// is a fault. For finding the model among the parts. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct FormPart
{
    std::string name;
    std::string_view content; // into the body
    bool plain = true;        // false: a file, encoded, or of a type that is not text in UTF-8
};

// Of each part's headers, and of the parts: readers skip or cut what is longer, each at another limit (Django 1 KiB, Node 16 KiB).
inline constexpr size_t mostPartHead = 8 * 1024, mostParts = 1000;

// Null: no boundary, or a form that parsers read differently, for its size as well.
std::optional<std::vector<FormPart>> readForm(std::string_view body, std::string_view contentType);

} // namespace llmproxy
