// SPDX-License-Identifier: GPL-3.0-only
// The data directory's surroundings: making it, and where its control socket lies. Thread: the engine's start.
#pragma once

#include "base/result.h"

#include <string>

namespace llmproxy {

// Creates each missing folder of the path 0700. Error: it is nothing that checkDataDir() accepts, also when somebody else just made it.
Outcome makeDataDir(const std::string &dataDir);
// The generated key and the saved settings lose what their group may do with them, or the log warns when they are root's. Kubernetes
// gives a volume's group read and write on every file, at each mount with fsGroup. After the lock was taken.
void closeToGroup(const std::string &dataDir);
// Where an engine opens its control socket: in the data directory; where that is too long a path (sun_path has 108 bytes) or on a file
// system without sockets, in $XDG_RUNTIME_DIR or /run/llm-proxy. Error: none of them takes one.
Result<std::string> placeForSocket(const std::string &dataDir);

} // namespace llmproxy
