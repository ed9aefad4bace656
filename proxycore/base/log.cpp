// SPDX-License-Identifier: GPL-3.0-only
#include "base/log.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "base/masking.h"
#include "base/write_all.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

const char *logLevelName(LogLevel level)
{
    switch (level) {
    case LogLevel::Debug: return "debug";
    case LogLevel::Info: return "info";
    case LogLevel::Warn: return "warn";
    case LogLevel::Error: break;
    }
    return "error";
}

LogLevel logLevelNamed(std::string_view name)
{
    for (const LogLevel level : {LogLevel::Debug, LogLevel::Warn, LogLevel::Error}) {
        if (name == logLevelName(level))
            return level;
    }
    return LogLevel::Info;
}

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

class LogSink
{
public:
    bool open(const LogTarget &target)
    {
        const std::lock_guard guard(m_lock);
        const LogTarget before = std::exchange(m_target, target);
        if (!openFile()) {
            m_target = before;
            return false;
        }
        m_level.store(target.level, std::memory_order_relaxed);
        return true;
    }

    void reopen()
    {
        const std::lock_guard guard(m_lock);
        openFile(); // keeps the old file when there is no new one
    }

    void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields)
    {
        if (level < m_level.load(std::memory_order_relaxed))
            return;
        const std::lock_guard guard(m_lock);
        const std::string line = m_target.json ? jsonLine(level, message, fields) : consoleLine(level, message, fields);
        const auto size = static_cast<long>(line.size());
        if (m_file >= 0 && m_target.maxBytes > 0 && m_size > 0 && m_size + size > m_target.maxBytes)
            rotate();
        if (writeAll(m_file >= 0 ? m_file : STDOUT_FILENO, line))
            m_size += size;
        else if (m_file >= 0)
            writeAll(STDERR_FILENO, line); // the disk is full: at least who looks on sees it
    }

    LogLevel level() const { return m_level.load(std::memory_order_relaxed); }
    void setLevel(LogLevel level) { m_level.store(level, std::memory_order_relaxed); }

private:
    bool openFile()
    {
        int opened = -1;
        struct stat about{};
        if (!m_target.file.empty()) {
            const char *path = m_target.file.c_str();
            opened = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, m_target.fileMode);
            if (opened >= 0)
                fchmod(opened, m_target.fileMode); // whatever the umask says
            else
                opened = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
            if (opened < 0)
                return false;
            fstat(opened, &about);
        }
        if (m_file >= 0)
            close(m_file);
        m_file = opened;
        m_size = S_ISREG(about.st_mode) ? long{about.st_size} : 0;
        return true;
    }

    void rotate()
    {
        const std::string &file = m_target.file;
        for (int number = m_target.backups; number > 0; --number) {
            const std::string from = number == 1 ? file : file + '.' + std::to_string(number - 1);
            std::rename(from.c_str(), (file + '.' + std::to_string(number)).c_str());
        }
        if (m_target.backups <= 0)
            unlink(file.c_str());
        openFile();
    }

    std::mutex m_lock;
    std::atomic<LogLevel> m_level{LogLevel::Info};
    LogTarget m_target;
    int m_file = -1;
    long m_size = 0;
};

LogSink &sink()
{
    static LogSink *const one = new LogSink; // outlives every static that logs
    return *one;
}

} // namespace

bool openLog(const LogTarget &target)
{
    return sink().open(target);
}

void reopenLog()
{
    sink().reopen();
}

LogLevel logLevel()
{
    return sink().level();
}

void setLogLevel(LogLevel level)
{
    sink().setLevel(level);
}

void writeLog(LogLevel level, std::string_view message, std::initializer_list<LogField> fields)
{
    sink().write(level, message, fields);
}

} // namespace llmproxy
