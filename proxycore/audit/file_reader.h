// SPDX-License-Identifier: GPL-3.0-only
// Reading the audit log's file for people, newest event first, beside its writer. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

// The bytes from an offset on; fewer than asked for when the file ends before, or cannot be read.
std::string readRange(int fd, int64_t from, int64_t size);

// Calls back for each complete line, the last one first, until visit returns false; a line that is being written is
// not there yet. False: the file cannot be read.
bool visitLinesBackwards(const std::string &path, const std::function<bool(std::string_view line)> &visit);

} // namespace llmproxy
