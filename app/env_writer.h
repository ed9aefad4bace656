// SPDX-License-Identifier: GPL-3.0-only
// Adds settings to the text of a .env, and replaces files atomically. Every value that is present stays as it
// stands. Thread: main.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace llmproxy {

// The text with NAME=value: in place of an empty assignment of that name, else at the end.
std::string withSetting(const std::string &text, const std::string &name, const std::string &value,
                        const std::string &comment);
// The text with NAME=value in place of what it is set to; at the end when it is not set.
std::string withReplaced(const std::string &text, const std::string &name, const std::string &value, const std::string &comment);
// Temporary file beside it, fsync, rename. Empty, or what went wrong.
std::string replaceFile(const std::string &path, const std::string &text, unsigned mode);
// Root does not write into another user's folder, whose owner could not use the result. Empty: it may be written; else why it is not
// and what to run. command: what is to be run.
std::string distrustOfFolder(const std::string &path, const std::string &command);
// False when it cannot be read; a missing file is an empty text.
bool readWholeFile(const std::string &path, std::string &text);

// The root of the git work tree that this file lies in, or would; empty: it lies in none.
std::string workTreeAround(const std::string &file);
// The entries that the .gitignore of the work tree around this file lacks; its path in gitignore, which is
// empty outside a work tree.
std::vector<std::string> missingIgnores(const std::string &envFile, std::string &gitignore);

} // namespace llmproxy
