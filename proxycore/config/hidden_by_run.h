// SPDX-License-Identifier: GPL-3.0-only
// How `llm-proxy run` marks what its command does not see, so that our own commands say so there instead of beginning anew. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

// A read-only file of this name stands in each hidden folder, alone; a hidden file has this text. As a line of .env it is a comment.
inline constexpr const char *hiddenMark = "HIDDEN-BY-LLM-PROXY-RUN";
inline constexpr std::string_view hiddenText = "# hidden by llm-proxy run: the command that it started does not see what is kept here\n";
// Set to 1 in the environment of the command.
inline constexpr const char *insideRunVariable = "LLM_PROXY_RUN";

// Why a data directory cannot be used by a command that `llm-proxy run` started, as a sentence; empty: it can, or we are no such command.
std::string whyHiddenByRun(const std::string &dataDir);
// The same for a file such as .env, whose text this is.
bool isHiddenText(std::string_view text);

} // namespace llmproxy
