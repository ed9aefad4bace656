// SPDX-License-Identifier: GPL-3.0-only
// The settings as text for people, made from their declarations. Thread: any.
#pragma once

#include <string>

namespace llmproxy {

std::string settingsHelp();              // aligned, for --help
std::string settingsReferenceMarkdown(); // docs/settings.md

} // namespace llmproxy
