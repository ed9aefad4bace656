// SPDX-License-Identifier: GPL-3.0-only
// What ssh would refuse in the sandbox of `llm-proxy run`: it reads a file that its configuration includes only when that is root's or
// the user's own, and there root's files are nobody's. Thread: any.
#pragma once

#include <string>
#include <vector>

namespace llmproxy {

// Files of root that configFile includes, and those include, absolute and without links.
std::vector<std::string> includedSshConfigs(const std::string &configFile);

} // namespace llmproxy
