// SPDX-License-Identifier: GPL-3.0-only
// Reading the audit log's file for people, newest event first, beside its writer. Thread: any.
#pragma once

#include "audit/event.h"

#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

// Calls back for each complete line, the last one first, until visit returns false; a line that is being written is
// not there yet. False: the file cannot be read.
bool visitLinesBackwards(const std::string &path, const std::function<bool(std::string_view line)> &visit);

} // namespace llmproxy
