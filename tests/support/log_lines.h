// SPDX-License-Identifier: GPL-3.0-only
#pragma once

#include "audit/log_set.h"

#include <string>
#include <vector>

// The complete lines of an audit log's file.
inline std::vector<std::string> linesOf(const std::string &path)
{
    std::vector<std::string> lines;
    llmproxy::visitLines(path, [&lines](std::string_view line) {
        lines.emplace_back(line);
        return true;
    });
    return lines;
}
