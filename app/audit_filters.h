// SPDX-License-Identifier: GPL-3.0-only
// The filters that audit list and audit export share, as options of a command. Thread: main.
#pragma once

#include "management_client.h"

#include <CLI/CLI.hpp>

namespace llmproxy {

// Each given one ends up in filters, under the API's name; filters outlives the parsing.
void addAuditFilters(CLI::App *command, Query &filters);
// --from and --to alone.
void addAuditTimes(CLI::App *command, Query &filters);

} // namespace llmproxy
