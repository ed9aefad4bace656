// SPDX-License-Identifier: GPL-3.0-only
// The console from its first to its last breath. Thread: main.
#pragma once

#include "client/console_host.h"

namespace llmproxy::ui {

int runConsole(ConsoleHost &host, char *program);

} // namespace llmproxy::ui
