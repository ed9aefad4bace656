// SPDX-License-Identifier: GPL-3.0-only
// The application log: one JSON object a line (or short text on a terminal), to LOG_FILE or stdout.
// Every value passes the masking rule for keys and tokens before it is written. Thread: any.
// While a LogThread lives, its thread alone writes: nobody waits for a disk or for the reader of a pipe. What finds 1 MiB of lines
// waiting is dropped and counted. Before and after, a line is written by the caller, who waits at most a second for a pipe.
#pragma once

#include <cstdint>
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
    int64_t maxAgeMs = 0; // backups that were written to for the last time so long ago are removed; 0: none
};

using LogField = std::pair<std::string_view, std::string>;

// Writes the lines of this process from its own thread ("log"), which also looks once a second whether LOG_FILE was renamed, removed
// or replaced. Ending it writes what is waiting, for at most a second. One at a time; main, after signals are blocked.
class LogThread
{
public:
    LogThread();
    ~LogThread();
    LogThread(const LogThread &) = delete;
    LogThread &operator=(const LogThread &) = delete;
};

// False: the file cannot be opened or is not a log of ours; problem says why ("it is not a regular file"). The log stays as it was.
bool openLog(const LogTarget &target, std::string *problem);
void reopenLog(); // SIGHUP
uint64_t droppedLogLines(); // since the process started
LogLevel logLevelNamed(std::string_view name); // any other name: info
const char *logLevelName(LogLevel level);
LogLevel logLevel();
void setLogLevel(LogLevel level); // from now on
void writeLog(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// The last words before the process ends at once: returns when they are written, after at most a second; else they go to stderr.
void logFatal(std::string_view message, std::initializer_list<LogField> fields = {});

inline void logInfo(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Info, m, f); }
inline void logWarn(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Warn, m, f); }
inline void logError(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Error, m, f); }
inline void logDebug(std::string_view m, std::initializer_list<LogField> f = {}) { writeLog(LogLevel::Debug, m, f); }

} // namespace llmproxy
