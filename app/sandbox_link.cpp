// SPDX-License-Identifier: GPL-3.0-only
#include "sandbox_link.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t linkHeader = 1 + sizeof(uint32_t);
constexpr uint32_t longestPayload = 32U << 20; // execve takes less

bool sendWhole(int socket, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

bool receiveWhole(int socket, char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t got = recv(socket, bytes, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        size -= static_cast<size_t>(got);
    }
    return true;
}

void addEnded(std::string &text, std::string_view word)
{
    text.append(word);
    text.push_back('\0');
}

} // namespace

bool sendSandbox(int socket, SandboxMessage::Type type, std::string_view payload)
{
    const auto size = static_cast<uint32_t>(payload.size());
    std::string header(linkHeader, static_cast<char>(type));
    std::memcpy(header.data() + 1, &size, sizeof size);
    return sendWhole(socket, header) && sendWhole(socket, payload);
}

std::optional<SandboxMessage> receiveSandbox(int socket)
{
    char header[linkHeader];
    if (!receiveWhole(socket, header, sizeof header))
        return std::nullopt;
    uint32_t size = 0;
    std::memcpy(&size, header + 1, sizeof size);
    if (size > longestPayload)
        return std::nullopt;
    SandboxMessage message{static_cast<SandboxMessage::Type>(header[0]), std::string(size, '\0')};
    if (!receiveWhole(socket, message.payload.data(), size))
        return std::nullopt;
    return message;
}

std::string textOf(const SandboxStart &start)
{
    std::string text(1, start.isForeground ? '1' : '0');
    addEnded(text, std::to_string(start.arguments.size()));
    for (const std::string &word : start.arguments)
        addEnded(text, word);
    for (const std::string &variable : start.variables)
        addEnded(text, variable);
    return text;
}

std::optional<SandboxStart> sandboxStart(std::string_view text)
{
    if (text.empty())
        return std::nullopt;
    SandboxStart start{text.front() == '1', {}, {}};
    text.remove_prefix(1);
    std::vector<std::string> words;
    for (size_t end = 0; (end = text.find('\0')) != std::string_view::npos; text.remove_prefix(end + 1))
        words.emplace_back(text.substr(0, end));
    const size_t count = words.empty() ? 0 : std::strtoul(words.front().c_str(), nullptr, 10);
    if (count == 0 || count >= words.size())
        return std::nullopt;
    const auto firstVariable = words.begin() + 1 + static_cast<std::ptrdiff_t>(count);
    start.arguments.assign(words.begin() + 1, firstVariable);
    start.variables.assign(firstVariable, words.end());
    return start;
}

} // namespace llmproxy
