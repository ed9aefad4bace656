// SPDX-License-Identifier: GPL-3.0-only
// JSON strings written by hand where the order and the bytes matter: the audit line and the log line.
// Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llmproxy {

// Length in bytes of the well-formed UTF-8 sequence at this position, 0 when there is none (RFC 3629:
// no overlong forms, no surrogates, nothing above U+10FFFF).
size_t utf8Length(std::string_view text, size_t at);
// Appends the text between quotes: raw UTF-8, controls, '"' and '\' escaped, '/' not, invalid bytes U+FFFD.
void appendJsonString(std::string &out, std::string_view text);

} // namespace llmproxy
