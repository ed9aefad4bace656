// SPDX-License-Identifier: GPL-3.0-only
// Hides a path in the sandbox of a command that runs already. Thread: any.
#pragma once

#include <string>
#include <sys/types.h>

namespace llmproxy {

// A process of its own enters the namespaces of the first process inside, which our user owns, and mounts there: source, as it is seen
// inside, on path, read-only. An empty source is an empty folder. False: it could not.
bool mountInside(pid_t firstInside, const std::string &source, const std::string &path);

} // namespace llmproxy
