// SPDX-License-Identifier: GPL-3.0-only
// What a text from outside may contain (contract section 5). Thread: any.
#pragma once

#include "base/result.h"
#include "manage/fields.h"

#include <string>
#include <string_view>

namespace llmproxy {

// No control, bidirectional-override or line-separating character: a regular expression (ECMA-262) for the description.
constexpr std::string_view textPattern = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]*$";

// Length in characters, control and bidirectional-override characters, choices, and the forms of
// Identifier, Secret and Time. The text is valid UTF-8. The message never repeats it.
Outcome checkText(std::string_view text, const Field &field, const std::string &name);

} // namespace llmproxy
