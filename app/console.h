// SPDX-License-Identifier: GPL-3.0-only
// Opens the desktop console, a module of its own, so that the program itself links no GUI library.
#pragma once

#include "settings_source.h"

namespace llmproxy {

// The console's exit code; 2 when the module is not installed.
int openConsole(const GlobalOptions &options, char *program);

} // namespace llmproxy
