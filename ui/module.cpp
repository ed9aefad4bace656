// SPDX-License-Identifier: GPL-3.0-only
// The module's face: everything else in it is hidden.
#include "shell/console.h"

extern "C" __attribute__((visibility("default"))) int llmProxyConsole(llmproxy::ui::ConsoleHost *host, char *program)
{
    return llmproxy::ui::runConsole(*host, program);
}
