// SPDX-License-Identifier: GPL-3.0-only
// What a process in the sandbox takes from itself and its children for good: system calls by seccomp, abstract sockets and other
// processes' memory by Landlock. Thread: the only one of its process.
#pragma once

#include <string>
#include <string_view>

namespace llmproxy {

// What bubblewrap could not give, and Landlock has to.
enum class SandboxProc {
    Fresh,  // /proc shows the sandbox's processes alone
    Shared, // /proc shows those outside too: their memory, variables and open files must be closed to us
};

struct SandboxLimits
{
    bool hidesAbstract = false; // abstract sockets of processes outside cannot be connected to (Landlock's ABI 6, Linux 6.12)
    bool hidesSignals = false;  // no signal reaches a process outside, also none that the kernel sends for the command (F_SETOWN, O_ASYNC)
    bool hidesMemory = false;   // /proc/PID of processes outside cannot be looked into, and they cannot be traced (any Landlock)

    std::string text() const; // for Ready
    static SandboxLimits parse(std::string_view text);
};

// keepsAbstract: displays are allowed, and an X server is asked over its abstract socket first.
SandboxLimits limitSandbox(SandboxProc proc, bool keepsAbstract);
// No characters are put into the terminal's input: ioctl TIOCSTI and the console's TIOCLINUX are refused with EPERM. refusesAsync: O_ASYNC too. isRoot: chown() to
// another owner does nothing and succeeds, as there is no other in the sandbox. False: the kernel has no seccomp.
bool filterSystemCalls(bool isRoot, bool refusesAsync);

} // namespace llmproxy
