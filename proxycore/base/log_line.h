// SPDX-License-Identifier: GPL-3.0-only
// The text of one line of the application log, its values masked. Thread: any.
#pragma once

#include "base/log.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace llmproxy {

// With its line end.
std::string logLine(bool json, LogLevel level, std::string_view message, std::initializer_list<LogField> fields);

} // namespace llmproxy
