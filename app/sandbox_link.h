// SPDX-License-Identifier: GPL-3.0-only
// What `llm-proxy run` and the first process of its command's sandbox say to each other, over a pair of sockets that the command does
// not have. Thread: any; each end is used by one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

struct SandboxMessage
{
    enum class Type : char {
        Ready = 'R',    // inside → run: the sandbox stands; payload: what the kernel gave (SandboxLimits::text())
        Start = 'G',    // run → inside: payload: foreground flag, then NUL-ended strings (sandboxStart())
        Signal = 'K',   // run → inside: one byte, its number, for the command
        Continue = 'C', // run → inside: the stopped command goes on; one byte: 1 when the terminal is its again
        Stopped = 'S',  // inside → run: one byte, the signal that stopped the command
    };
    Type type = Type::Ready;
    std::string payload;
};

// False: the other end is gone.
bool sendSandbox(int socket, SandboxMessage::Type type, std::string_view payload);
// Waits for a whole message. None: the other end is gone, or says what it cannot mean.
std::optional<SandboxMessage> receiveSandbox(int socket);

// What is started: arguments and NAME=value variables.
struct SandboxStart
{
    bool isForeground = false; // the terminal is given to the command
    std::vector<std::string> arguments, variables;
};
std::string textOf(const SandboxStart &start);
std::optional<SandboxStart> sandboxStart(std::string_view text);

} // namespace llmproxy
