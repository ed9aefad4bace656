// SPDX-License-Identifier: GPL-3.0-only
#include "base/log_output.h"

#include "base/clock.h"
#include "base/owned_file.h"
#include "base/retention_period.h"
#include "base/write_all.h"

#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

// Descriptors that the process was started with, whatever they are: a socket of the journal cannot be opened by its name.
int inheritedDescriptor(std::string_view file)
{
    const std::string own = "/proc/" + std::to_string(getpid()); // in a container "/proc/1"
    for (const std::string &folder : {std::string("/dev/fd/"), std::string("/proc/self/fd/"), own + "/fd/"}) {
        if (file == folder + "1")
            return STDOUT_FILENO;
        if (file == folder + "2")
            return STDERR_FILENO;
    }
    return file == "/dev/stdout" ? STDOUT_FILENO : file == "/dev/stderr" ? STDERR_FILENO : -1;
}

// "10:00:00.123 info …", as consoleLine() writes it.
bool isConsoleLine(std::string_view line)
{
    constexpr std::string_view form = "00:00:00.000 ";
    if (line.size() < form.size())
        return false;
    for (size_t at = 0; at < form.size(); ++at) {
        const bool isDigit = line[at] >= '0' && line[at] <= '9';
        if (form[at] == '0' ? !isDigit : line[at] != form[at])
            return false;
    }
    return true;
}

bool isLink(const std::string &path)
{
    struct stat info{};
    return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

bool isPipe(const std::string &path)
{
    struct stat info{};
    return stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
}

bool isLogOfOurs(int descriptor, off_t size)
{
    if (size == 0)
        return true;
    const std::string line = lastWholeLine(descriptor, size);
    return (line.starts_with(R"({"time":")") && line.find(R"(,"level":")") != line.npos) || isConsoleLine(line);
}

} // namespace

LogOutput::~LogOutput()
{
    if (m_file >= 0)
        close(m_file);
}

LogOutput::LogOutput(LogOutput &&other) noexcept
{
    *this = std::move(other);
}

LogOutput &LogOutput::operator=(LogOutput &&other) noexcept
{
    std::swap(m_target, other.m_target);
    std::swap(m_file, other.m_file);
    std::swap(m_size, other.m_size);
    std::swap(m_cleanedMs, other.m_cleanedMs);
    std::swap(m_isRegular, other.m_isRegular);
    std::swap(m_isLink, other.m_isLink);
    std::swap(m_isTorn, other.m_isTorn);
    std::swap(m_isDisplaced, other.m_isDisplaced);
    return *this;
}

int LogOutput::descriptor() const
{
    return m_file >= 0 ? m_file : STDOUT_FILENO;
}

bool LogOutput::open(const LogTarget &target, std::string *problem)
{
    LogOutput next;
    next.m_target = target;
    if (!target.file.empty() && !next.openFile(problem))
        return false;
    *this = std::move(next);
    return true;
}

bool LogOutput::openFile(std::string *problem)
{
    struct stat about{};
    const std::string device = deviceBehind(m_target.file); // images have links like log -> /dev/stdout
    const int inherited = inheritedDescriptor(device);
    const bool isNull = device == "/dev/null";
    int opened = -1;
    if (inherited >= 0)
        opened = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
    else if (isNull)
        opened = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    else
        opened = openOwnedOutput(m_target.file, O_RDWR | O_APPEND | O_CREAT, m_target.fileMode, problem);
    if (opened < 0 || fstat(opened, &about) != 0)
        return false;
    const bool isRegular = inherited < 0 && !isNull && S_ISREG(about.st_mode);
    if (isRegular && !isLogOfOurs(opened, about.st_size)) {
        *problem = "it is not empty and does not end in a line of this log; name another file, or move it away";
        close(opened);
        return false;
    }
    if (m_file >= 0)
        close(m_file);
    m_file = opened;
    m_isRegular = isRegular;
    m_isLink = isLink(m_target.file);
    m_size = isRegular ? long{about.st_size} : 0;
    m_isTorn = m_isDisplaced = false;
    return true;
}

bool LogOutput::write(std::string_view line)
{
    const auto size = static_cast<long>(line.size());
    if (m_isRegular && m_target.maxBytes > 0 && m_size > 0 && m_size + size > m_target.maxBytes)
        rotate();
    if (m_isTorn && !writeAll(descriptor(), "\n"))
        return false;
    m_isTorn = false;
    if (writeAll(descriptor(), line)) {
        m_size += size;
        return true;
    }
    struct stat now{};
    m_isTorn = m_isRegular && fstat(m_file, &now) == 0 && now.st_size > m_size;
    return false;
}

bool LogOutput::waitWritable(int atMostMs) const
{
    if (m_isRegular)
        return true;
    pollfd one{descriptor(), POLLOUT, 0};
    return poll(&one, 1, atMostMs) != 0;
}

// Is the open file still the one that LOG_FILE names?
bool LogOutput::isInPlace() const
{
    struct stat held{}, there{};
    return fstat(m_file, &held) == 0 && stat(m_target.file.c_str(), &there) == 0 && there.st_dev == held.st_dev && there.st_ino == held.st_ino;
}

void LogOutput::rotate()
{
    const std::string &file = m_target.file;
    if (isInPlace()) { // else somebody else has rotated it
        for (int number = m_target.backups; number > 0; --number) {
            const std::string from = number == 1 ? file : file + '.' + std::to_string(number - 1);
            std::rename(from.c_str(), (file + '.' + std::to_string(number)).c_str());
        }
        if (m_target.backups <= 0)
            unlink(file.c_str());
    }
    std::string problem;
    if (!isPipe(file))
        openFile(&problem); // else the renamed one grows on; look() tries again
}

// By when they were last written to, which renaming does not change.
void LogOutput::removeOld()
{
    const int64_t nowMs = Clock::wallMs();
    for (int number = 1; number <= m_target.backups; ++number) {
        const std::string backup = m_target.file + '.' + std::to_string(number);
        struct stat info{};
        const bool isFile = lstat(backup.c_str(), &info) == 0 && S_ISREG(info.st_mode);
        if (isFile && nowMs - int64_t{info.st_mtime} * secondMs >= m_target.maxAgeMs)
            unlink(backup.c_str());
    }
}

std::string LogOutput::look()
{
    struct stat held{};
    if (!m_isRegular || fstat(m_file, &held) != 0)
        return {};
    const int64_t steadyMs = Clock::steadyMs();
    if (m_target.maxAgeMs > 0 && (m_cleanedMs == 0 || steadyMs - m_cleanedMs >= retentionPeriodMs(m_target.maxAgeMs))) {
        m_cleanedMs = steadyMs;
        removeOld();
    }
    m_size = long{held.st_size}; // copytruncate, or another process of ours writes too
    if (!m_isLink && isLink(m_target.file))
        return std::exchange(m_isDisplaced, true) ? std::string() : "it is a symbolic link now; SIGHUP follows one of ours";
    if (isPipe(m_target.file))
        return std::exchange(m_isDisplaced, true) ? std::string() : "it is a FIFO now; SIGHUP follows one of ours";
    if (!isInPlace())
        return reopen();
    m_isDisplaced = false;
    return {};
}

std::string LogOutput::reopen()
{
    std::string problem;
    if (m_target.file.empty() || openFile(&problem) || std::exchange(m_isDisplaced, true))
        return {};
    return problem;
}

} // namespace llmproxy
