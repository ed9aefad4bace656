// SPDX-License-Identifier: GPL-3.0-only
#include "audit/log_file.h"

#include "audit/file_reader.h"
#include "audit/log_set.h"
#include "base/log.h"
#include "base/owned_file.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace llmproxy {

namespace {

constexpr int64_t reserveBytes = 1 << 20;
constexpr auto repeatedAge = std::chrono::seconds(2);
constexpr size_t mostRepeatedBytes = 16 << 20;
constexpr int64_t firstWindow = 256 * 1024;
constexpr int64_t longestLine = 1 << 20; // bytes; no event comes near it
constexpr std::string_view lineBegin = R"({"timestamp":")";

Error fileError(const std::string &what, const std::string &path)
{
    return {ErrorKind::Unavailable, "audit_file", what + " " + path + ": " + std::strerror(errno), "AUDIT_LOG_FILE"};
}

// Empty, or with an event of ours as its last whole line; the first line may have been cut off.
bool isAuditLog(int fd, int64_t size)
{
    const std::string line = lastWholeLine(fd, size);
    if (!line.empty())
        return parseAuditLine(line).has_value();
    const std::string first = readRange(fd, 0, std::min(size, static_cast<int64_t>(lineBegin.size())));
    return lineBegin.starts_with(first);
}

// Where the last whole line ends; 0: there is none.
int64_t endOfLines(int fd, int64_t size)
{
    for (int64_t end = size; end > 0;) {
        const int64_t window = std::min(end, firstWindow);
        const size_t at = readRange(fd, end - window, window).rfind('\n');
        end -= window;
        if (at != std::string::npos)
            return end + static_cast<int64_t>(at) + 1;
    }
    return 0;
}

// The beginning of one event, and of nothing else; zeros stand where the power went before the data was written.
bool isHalfLine(std::string_view text)
{
    text = text.substr(0, text.find_last_not_of('\0') + 1);
    if (text.size() < lineBegin.size())
        return lineBegin.starts_with(text);
    return text.starts_with(lineBegin) && text.find(lineBegin, 1) == text.npos && !parseAuditLine(text);
}

Outcome makeParents(const std::string &path)
{
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
        const std::string folder = path.substr(0, at);
        if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
            return fileError("cannot create the folder", folder);
    }
    return {};
}

} // namespace

AuditLogFile::~AuditLogFile()
{
    if (m_fd >= 0)
        close(m_fd);
}

std::string AuditLogFile::openDescriptor()
{
    std::string problem;
    const int fd = openOwned(m_path, O_RDWR | O_CREAT | O_APPEND, m_mode, &problem);
    if (fd < 0)
        return problem;
    struct stat info{};
    if (fstat(fd, &info) != 0)
        problem = std::strerror(errno);
    else if (!isAuditLog(fd, info.st_size))
        problem = "it is not empty, and its last line is no event of LLM Proxy; nothing was changed in it. Move it away, or set AUDIT_LOG_FILE to another file";
    // What the old file holds, events that were answered a moment ago among it, outlives a power cut like the rest.
    else if (m_fd >= 0 && !sync())
        problem = std::string("the old file cannot be synced: ") + std::strerror(errno);
    if (!problem.empty()) {
        close(fd);
        errno = EPERM;
        return problem;
    }
    fchmod(fd, m_mode);
    if (m_fd >= 0)
        close(m_fd);
    m_fd = fd;
    m_target = logPlaceOf(m_path);
    m_size = info.st_size;
    m_reservedEnd = 0;
    m_isTorn = false;
    return {};
}

// kill -9 or a power cut can leave a last line without its end. Only what can be the beginning of one event is removed: whatever else
// stands there, a log without line ends among it, stays, for a verification to name.
Outcome AuditLogFile::repairEnd()
{
    const int64_t keep = endOfLines(m_fd, m_size), bytes = m_size - keep;
    if (bytes == 0)
        return {};
    const std::string rest = readRange(m_fd, keep, std::min(bytes, longestLine + 1));
    const std::string removed = std::to_string(bytes) + " bytes behind its last whole line were removed.";
    if (bytes <= longestLine && isHalfLine(rest)) {
        if (ftruncate(m_fd, keep) != 0)
            return fileError("cannot repair", m_path);
        m_size = keep;
        m_repair = "'" + m_path + "' ended in the middle of an event: " + removed;
    } else if (endLine()) {
        m_repair = "'" + m_path + "' ended in the middle of a line of " + std::to_string(bytes) + " bytes, to which the line end was added.";
    } else if (parseAuditLine(rest) && ftruncate(m_fd, keep) == 0) { // a full disk took the event without its line end: nobody was answered
        m_size = keep;
        m_repair = "'" + m_path + "' ended in an event without its line end: " + removed;
    } else {
        return fileError("cannot repair", m_path);
    }
    logWarn("the audit log was repaired", {{"what", m_repair}});
    return {};
}

bool AuditLogFile::endLine()
{
    if (::write(m_fd, "\n", 1) != 1)
        return false;
    ++m_size;
    return true;
}

Outcome AuditLogFile::open(bool createDir)
{
    if (createDir) {
        if (Outcome failure = makeParents(m_path))
            return failure;
    }
    if (const std::string problem = openDescriptor(); !problem.empty())
        return Error{errno == EPERM ? ErrorKind::Invalid : ErrorKind::Unavailable, "audit_file", "cannot open the audit log " + m_path + ": " + problem, "AUDIT_LOG_FILE"};
    if (Outcome failure = repairEnd())
        return failure;
    const int64_t window = std::min(m_size, firstWindow);
    const std::string tail = readRange(m_fd, m_size - window, window);
    const size_t end = tail.rfind('\n');
    const size_t before = end == std::string::npos || end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
    if (end != std::string::npos)
        keepRecent(std::string_view(tail).substr(before == std::string::npos ? 0 : before + 1, end - (before == std::string::npos ? 0 : before + 1) + 1));
    renewReserve();
    return {};
}

bool AuditLogFile::reopen()
{
    if (const std::string problem = openDescriptor(); !problem.empty()) {
        logError("the audit log cannot be opened again; it goes on in the same file", {{"file", m_path}, {"problem", problem}});
        return false;
    }
    renewReserve();
    return true;
}

bool AuditLogFile::rotate(const std::string &name)
{
    // What is reserved behind the end would go with the file.
    [[maybe_unused]] const int trimmed = ftruncate(m_fd, m_size);
    const std::string place = logPlaceOf(m_path); // a link stays
    if (rename(place.c_str(), name.c_str()) != 0)
        return false;
    if (reopen())
        return true;
    rename(name.c_str(), place.c_str());
    return false;
}

void AuditLogFile::renewReserve()
{
    if (m_reservedEnd >= m_size + reserveBytes && m_hasReserve)
        return;
    if (fallocate(m_fd, FALLOC_FL_KEEP_SIZE, m_size, 2 * reserveBytes) == 0) {
        m_reservedEnd = m_size + 2 * reserveBytes;
        m_hasReserve = true;
    } else {
        // A file system that cannot reserve is no full disk.
        m_hasReserve = errno == EOPNOTSUPP || errno == ENOSYS || errno == ENODEV;
        m_reservedEnd = m_hasReserve ? m_size + 2 * reserveBytes : m_reservedEnd;
    }
}

bool AuditLogFile::append(std::string_view lines)
{
    if (m_isLost || m_isToBegin || !write(lines))
        return false;
    keepRecent(lines);
    renewReserve();
    return true;
}

bool AuditLogFile::write(std::string_view lines)
{
    // Half a line that could not be taken back would swallow the beginning of the next.
    if (m_isTorn && ftruncate(m_fd, m_size) != 0)
        return false;
    m_isTorn = false;
    size_t done = 0;
    while (done < lines.size()) {
        const ssize_t part = ::write(m_fd, lines.data() + done, lines.size() - done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0) {
            m_isTorn = done > 0 && ftruncate(m_fd, m_size) != 0;
            if (m_isTorn)
                logError("the audit log has a half-written line that cannot be removed; nothing is written before it is");
            return false;
        }
        done += static_cast<size_t>(part);
    }
    m_size += static_cast<int64_t>(lines.size());
    return true;
}

void AuditLogFile::keepRecent(std::string_view lines)
{
    const auto now = std::chrono::steady_clock::now();
    m_recent.push_back({now, std::string(lines)});
    m_recentBytes += lines.size();
    forgetOld();
}

void AuditLogFile::forgetOld()
{
    const auto now = std::chrono::steady_clock::now();
    while (m_recent.size() > 1 && (m_recent.front().at < now - repeatedAge || m_recentBytes > mostRepeatedBytes)) {
        m_recentBytes -= m_recent.front().lines.size();
        m_recent.pop_front();
    }
}

bool AuditLogFile::sync()
{
    return fdatasync(m_fd) == 0 || errno == EINVAL || errno == EROFS; // pipes and devices cannot
}

} // namespace llmproxy
