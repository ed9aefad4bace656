// SPDX-License-Identifier: GPL-3.0-only
// Whom one would talk to at an https address, before anything secret is sent there. Thread: any.
#pragma once

#include "client/console_host.h"
#include "config/settings.h"

#include <string>

namespace llmproxy {

// Blocks for at most 10 s.
ui::ServerIdentity identifyServer(const std::string &url, const Settings &settings);

} // namespace llmproxy
