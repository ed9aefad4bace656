// SPDX-License-Identifier: GPL-3.0-only
// What somebody else does to the audit log's file, and how it goes on.
#include "audit/file_reader.h"
#include "audit/line_reader.h"
#include "audit/log_file.h"
#include "audit/log_set.h"
#include "base/owned_file.h"
#include "base/write_all.h"

#include <QDir>
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int64_t restoreAtOnce = 1 << 20;
// Of the files beside it, those that changed last.
constexpr qsizetype mostBeside = 3;

bool isSame(const struct stat &one, const struct stat &other)
{
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool hasFolder(const std::string &path)
{
    const size_t slash = path.rfind('/');
    struct stat folder{};
    return slash == std::string::npos || slash == 0 || stat(path.substr(0, slash).c_str(), &folder) == 0;
}

bool copyAll(int from, int to, int64_t size)
{
    for (int64_t at = 0; at < size;) {
        const std::string part = readRange(from, at, std::min(restoreAtOnce, size - at));
        if (part.empty() || !writeAll(to, part))
            return false;
        at += static_cast<int64_t>(part.size());
    }
    return true;
}

std::string lastLine(const std::string &path)
{
    std::string last;
    if (path.ends_with(".gz")) {
        visitLines(path, [&last](std::string_view line) {
            last = line;
            return true;
        });
        return last;
    }
    visitLinesBackwards(path, [&last](std::string_view line) {
        last = line;
        return false;
    });
    return last;
}

} // namespace

AuditLogFile::Place AuditLogFile::place() const
{
    struct stat own{}, named{};
    if (fstat(m_fd, &own) != 0 || !S_ISREG(own.st_mode))
        return Place::Same;
    if (stat(m_path.c_str(), &named) == 0 && isSame(own, named))
        return Place::Same;
    const std::string target = logPlaceOf(m_path);
    if (target != m_path && target != m_target)
        return Place::Taken; // a link that was not there
    if (lstat(target.c_str(), &named) == 0) {
        if (!S_ISREG(named.st_mode) || named.st_size > 0)
            return Place::Taken;
    } else if (!hasFolder(target)) {
        return Place::Gone;
    }
    return own.st_nlink > 0 ? Place::Renamed : Place::Removed;
}

bool AuditLogFile::isDisturbed() const
{
    struct stat info{};
    return fstat(m_fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_nlink == 0 || info.st_size < m_size);
}

AuditLogFile::Length AuditLogFile::length() const
{
    struct stat info{};
    if (fstat(m_fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size >= m_size)
        return Length::Whole;
    // What came between the truncation and now are the last of our lines, and nothing else.
    const std::string again = recentLines();
    const bool isEmptied = info.st_size <= static_cast<int64_t>(again.size()) && again.ends_with(readRange(m_fd, 0, info.st_size));
    return isEmptied ? Length::Emptied : Length::Cut;
}

// An empty file under our name; -1: it is not to be had.
int AuditLogFile::openEmpty() const
{
    std::string problem;
    const int fd = openOwned(m_path, O_RDWR | O_CREAT | O_APPEND, m_mode, &problem);
    struct stat info{};
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0) {
        fchmod(fd, m_mode);
        return fd;
    }
    if (fd >= 0) {
        close(fd);
        errno = EEXIST;
    }
    return -1;
}

// In place of the old one.
void AuditLogFile::take(int fd, int64_t size)
{
    close(m_fd);
    m_fd = fd;
    m_target = logPlaceOf(m_path);
    m_size = size;
    m_reservedEnd = 0;
    m_isTorn = m_isLost = false;
    renewReserve();
}

bool AuditLogFile::moveOn()
{
    const int fd = openEmpty();
    if (fd < 0)
        return false;
    const std::string again = recentLines();
    if (writeAll(fd, again)) {
        take(fd, static_cast<int64_t>(again.size()));
        keepFirst(again);
        return true;
    }
    const int error = errno;
    [[maybe_unused]] const int emptied = ftruncate(fd, 0);
    close(fd);
    errno = error;
    return false;
}

bool AuditLogFile::restore()
{
    const int fd = openEmpty();
    if (fd < 0)
        return false;
    if (copyAll(m_fd, fd, m_size) && fsync(fd) == 0) {
        take(fd, m_size);
        return true;
    }
    [[maybe_unused]] const int emptied = ftruncate(fd, 0);
    close(fd);
    return false;
}

bool AuditLogFile::beginAgain()
{
    if (ftruncate(m_fd, 0) != 0)
        return false;
    const int64_t before = m_size;
    const std::string again = recentLines();
    m_size = m_reservedEnd = 0;
    m_isTorn = false;
    m_isToBegin = !write(again);
    if (!m_isToBegin) {
        keepFirst(again);
        return true;
    }
    m_isTorn = false; // the next look empties it again
    m_size = before;
    return false;
}

std::string AuditLogFile::recentLines() const
{
    std::string lines;
    for (const Recent &recent : m_recent)
        lines += recent.lines;
    return lines;
}

void AuditLogFile::keepFirst(const std::string &again)
{
    m_firstRepeated = again.substr(0, std::min(again.find('\n'), again.size()));
}

std::optional<int64_t> AuditLogFile::firstSeq() const
{
    return firstSeqIn(m_fd);
}

bool AuditLogFile::isContinued(const std::string &lines) const
{
    const QFileInfo main(QString::fromStdString(logPlaceOf(m_path)));
    const auto files = main.dir().entryInfoList({main.fileName() + QLatin1String(".*"), main.fileName() + QLatin1String("-*")}, QDir::Files, QDir::Time);
    return std::any_of(files.begin(), files.begin() + std::min(files.size(), mostBeside), [&lines](const QFileInfo &file) {
        const std::string last = lastLine(file.filePath().toStdString()) + "\n";
        return last.size() > 1 && lines.find(last) != std::string::npos;
    });
}

} // namespace llmproxy
