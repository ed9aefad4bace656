// SPDX-License-Identifier: GPL-3.0-only
// llm-proxy --serve: the engine without a console, until SIGTERM or SIGINT. Thread: main.
#pragma once

#include "settings_source.h"

namespace llmproxy {

int serve(const GlobalOptions &options);

} // namespace llmproxy
