// SPDX-License-Identifier: GPL-3.0-only
#pragma once

#include "command_line.h"

namespace llmproxy {

// audit verify and audit public-key.
void addAuditVerify(CLI::App *audit, CommandLine &line);
void addAuditDecrypt(CLI::App *audit, CommandLine &line);

} // namespace llmproxy
