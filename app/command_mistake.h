// SPDX-License-Identifier: GPL-3.0-only
// What is wrong with a command line, as a sentence: the word that is not known, the one that was probably meant, and where help is.
// What may be a secret is never repeated. Thread: main.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace llmproxy {

// "llm-proxy token create", after app.parse().
std::string calledName(const CLI::App &app);
// After app.parse() threw the error.
std::string mistakeIn(const CLI::App &app, const CLI::Error &error);

} // namespace llmproxy
