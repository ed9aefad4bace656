// SPDX-License-Identifier: GPL-3.0-only
// audit export and audit report. Thread: main.
#pragma once

#include "command_line.h"

namespace llmproxy {

void addAuditExport(CLI::App *audit, CommandLine &line);

} // namespace llmproxy
