// SPDX-License-Identifier: GPL-3.0-only
#include "base/log.h"

#include "base/log_line.h"
#include "base/log_sink.h"

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

LogSink &sink()
{
    static LogSink *const one = new LogSink; // outlives every static that logs, and a thread that cannot be waited for
    return *one;
}

} // namespace

LogThread::LogThread()
{
    sink().start();
}

LogThread::~LogThread()
{
    sink().stop();
}

bool openLog(const LogTarget &target, std::string *problem)
{
    return sink().open(target, problem);
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

uint64_t droppedLogLines()
{
    return sink().dropped();
}

void writeLog(LogLevel level, std::string_view message, std::initializer_list<LogField> fields)
{
    if (level >= sink().level())
        sink().put(logLine(sink().isJson(), level, message, fields));
}

void logFatal(std::string_view message, std::initializer_list<LogField> fields)
{
    sink().putLast(logLine(sink().isJson(), LogLevel::Error, message, fields));
}

} // namespace llmproxy
