// SPDX-License-Identifier: GPL-3.0-only
// The first process in the sandbox of `llm-proxy run` (PID 1 there): takes what the command must not have, starts the command in a
// process group of its own, gives it the terminal, and reaps what it leaves. When it ends, the kernel ends the rest. It is this
// program again, started by bubblewrap; it has no secret until the command's variables come. Thread: main, the only one.
#pragma once

namespace llmproxy {

// The word after the program's name that says so. No command of people's.
constexpr const char *insideWord = "run-inside";

// "run-inside LINK STDERR PROC ABSTRACT"; the descriptors of the link to `run` and of what is to be stderr, "fresh" or "shared", "keep" or "hide".
bool isInsideCall(int argc, char **argv);
int runInside(char **argv);

} // namespace llmproxy
