// SPDX-License-Identifier: GPL-3.0-only
// The application log: one JSON object a line (or short text on a terminal), to LOG_FILE or stdout.
// Every value passes the masking rule for keys and tokens before it is written. Thread: any; one lock.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace llmproxy {

enum class LogLevel { Debug, Info, Warn, Error };

struct LogTarget
{
    LogLevel level = LogLevel::Info;
    bool json = true;
    std::string file;        // empty: stdout
    unsigned fileMode = 0600;
    long maxBytes = 10L << 20; // rotates to FILE.1 … FILE.backups
    int backups = 5;
};

using LogField = std::pair<std::string_view, std::string>;

// False when the file cannot be opened.
bool openLog(const LogTarget &target);
void reopenLog();
LogLevel logLevelNamed(std::string_view name); // any other name: info
const char *logLevelName(LogLevel level);
LogLevel logLevel();
void setLogLevel(LogLevel level); // from now on
void writeLog(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void logInfo(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Info, m, f); }
inline void logWarn(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Warn, m, f); }
inline void logError(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Error, m, f); }
inline void logDebug(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Debug, m, f); }

} // namespace llmproxy
