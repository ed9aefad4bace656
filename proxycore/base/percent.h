// SPDX-License-Identifier: GPL-3.0-only
// Percent-encoding, RFC 3986 section 2.1. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

// What is no escape stays.
std::string percentDecoded(std::string_view text);
// Of application/x-www-form-urlencoded, as in queries: a plus is a space, too.
std::string formDecoded(std::string_view text);

} // namespace llmproxy
