// SPDX-License-Identifier: GPL-3.0-only
// Filters that commands share, as their options. Thread: main.
#pragma once

#include "command_line.h"
#include "management_client.h"

#include <CLI/CLI.hpp>

namespace llmproxy {

// Each given one ends up in filters, under the API's name; filters outlives the parsing.
void addAuditFilters(CLI::App *command, Query &filters);
// One of them.
void addFilter(CLI::App *command, Query &filters, const char *flag, const char *parameter, const char *meaning);
// --from and --to alone.
void addAuditTimes(CLI::App *command, Query &filters);

} // namespace llmproxy
