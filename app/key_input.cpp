// SPDX-License-Identifier: GPL-3.0-only
#include "key_input.h"

#include "output.h"
#include "secrets/credential_text.h"
#include "secrets/source.h"
#include "waiting_note.h"

#include <QJsonDocument>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t longestSecret = 8192;

// Restores the terminal's echo.
class HiddenTyping
{
public:
    HiddenTyping()
    {
        m_active = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &m_before) == 0;
        if (!m_active)
            return;
        termios hidden = m_before;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    ~HiddenTyping()
    {
        if (!m_active)
            return;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &m_before);
        std::fputc('\n', stderr);
    }
    HiddenTyping(const HiddenTyping &) = delete;
    HiddenTyping &operator=(const HiddenTyping &) = delete;

private:
    bool m_active = false;
    termios m_before = {};
};

// Up to the end of the input, or of the line on a terminal.
size_t readStdin(char *buffer, size_t size)
{
    size_t length = 0;
    while (length < size) {
        const ssize_t got = ::read(STDIN_FILENO, buffer + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += static_cast<size_t>(got);
        if (buffer[length - 1] == '\n' && isatty(STDIN_FILENO))
            break;
    }
    return length;
}

} // namespace

int readSecretLine(const char *what, Secret &secret)
{
    std::array<char, longestSecret + 4> buffer;
    size_t length = 0;
    {
        if (isatty(STDIN_FILENO))
            std::fprintf(stderr, "%s: ", what);
        const HiddenTyping hidden;
        std::optional<WaitingNote> waiting;
        if (!isatty(STDIN_FILENO))
            waiting.emplace("the " + std::string(what) + " on standard input");
        length = readStdin(buffer.data(), buffer.size());
    }
    const CredentialText read = readCredential({buffer.data(), length});
    const size_t size = unwrapped({buffer.data(), length}).size();
    if (read.problem.empty() && size <= longestSecret)
        secret = Secret(read.value);
    wipe(buffer.data(), buffer.size());
    if (size == 0)
        return complain(ExitUsage, std::string("no ") + what + " on standard input");
    if (size > longestSecret)
        return complain(ExitUsage, std::string(what) + ": longer than 8192 characters");
    if (!read.problem.empty())
        return complain(ExitUsage, std::string("the ") + what + " " + std::string(read.problem));
    return ExitOk;
}

void KeyInput::addOptions(CLI::App *command)
{
    auto *group = command->add_option_group("Key", "The provider's key, never as a plain argument");
    group->add_flag("--key-stdin", m_fromStdin, "Ask for the key, or read it from a pipe or file (< key)");
    group->add_option("--key", m_reference, "Where the key is kept: env:NAME or file:/path")->type_name("REF");
    group->require_option(0, 1);
}

int KeyInput::read()
{
    if (!m_reference.empty() && !isReference(m_reference)) {
        wipe(m_reference.data(), m_reference.size());
        return complain(ExitUsage, "--key takes a reference (env:NAME or file:/path), not the key itself: other "
                                   "processes can read arguments, and shells remember them. Use --key-stdin. If a "
                                   "real key was typed, replace it at the provider");
    }
    return m_fromStdin ? readSecretLine("provider key", m_key) : ExitOk;
}

QByteArray KeyInput::bodyWith(const QJsonObject &fields) const
{
    QJsonObject all = fields;
    if (!m_reference.empty())
        all.insert(QLatin1String("api_key"), fromText(m_reference));
    QByteArray body = QJsonDocument(all).toJson(QJsonDocument::Compact);
    if (m_key.isEmpty())
        return body;
    // Written by hand: no copies of the key stay behind in strings that nobody wipes.
    body.reserve(body.size() + 2 * static_cast<qsizetype>(m_key.size()) + 16);
    body.chop(1);
    body.append(all.isEmpty() ? "\"api_key\":\"" : ",\"api_key\":\"");
    for (const char c : m_key.reveal()) {
        if (c == '"' || c == '\\')
            body.append('\\');
        body.append(c);
    }
    body.append("\"}");
    return body;
}

void wipeBody(QByteArray &body)
{
    wipe(body.data(), static_cast<size_t>(body.size()));
    body.clear();
}

} // namespace llmproxy
