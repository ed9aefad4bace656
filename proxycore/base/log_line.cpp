// SPDX-License-Identifier: GPL-3.0-only
#include "base/log_line.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "base/masking.h"

namespace llmproxy {

namespace {

// A field that is named like a credential is masked whole, whatever it looks like.
std::string safeValue(const LogField &field)
{
    return namesCredential(field.first) ? maskSecret(field.second) : redactText(field.second);
}

std::string jsonLine(LogLevel level, std::string_view message, std::initializer_list<LogField> fields)
{
    std::string line = "{\"time\":\"" + rfc3339(Clock::wallMs()) + "\",\"level\":\"" + logLevelName(level) + "\",\"message\":";
    appendJsonString(line, redactText(message));
    for (const LogField &field : fields) {
        line += ',';
        appendJsonString(line, field.first);
        line += ':';
        appendJsonString(line, safeValue(field));
    }
    line += "}\n";
    return line;
}

// Escaped as in JSON: a text from outside must not move the cursor or start a line of its own.
void appendEscaped(std::string &out, std::string_view text)
{
    std::string quoted;
    appendJsonString(quoted, text);
    out.append(quoted, 1, quoted.size() - 2);
}

std::string consoleLine(LogLevel level, std::string_view message, std::initializer_list<LogField> fields)
{
    constexpr size_t clockFrom = 11, clockLength = 12; // 10:00:00.123 of the RFC 3339 text
    std::string line = rfc3339(Clock::wallMs()).substr(clockFrom, clockLength) + ' ' + logLevelName(level);
    line.append(level == LogLevel::Info || level == LogLevel::Warn ? 2 : 1, ' ');
    appendEscaped(line, redactText(message));
    for (const LogField &field : fields) {
        line += ' ';
        appendEscaped(line, field.first);
        line += '=';
        const std::string value = safeValue(field);
        const bool plain = !value.empty() && value.find_first_of(" =\"") == value.npos;
        if (plain)
            appendEscaped(line, value);
        else
            appendJsonString(line, value);
    }
    line += '\n';
    return line;
}

} // namespace

std::string logLine(bool json, LogLevel level, std::string_view message, std::initializer_list<LogField> fields)
{
    return json ? jsonLine(level, message, fields) : consoleLine(level, message, fields);
}

} // namespace llmproxy
