// SPDX-License-Identifier: GPL-3.0-only
#include "audit/log_stream.h"

#include "audit/file_reader.h"
#include "audit/verify.h"
#include "base/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

LogStream::LogStream(std::string path, const KeyRing *keys, int64_t afterSeq) : m_path(std::move(path)), m_seq(afterSeq)
{
    if (openNewest())
        return;
    LogSet set = logSet(m_path, keys);
    m_files = std::move(set.files);
    m_unreadable = std::move(set.unreadable);
    // The last one that begins at or before what is wanted, and all behind it.
    const auto first = std::find_if(m_files.rbegin(), m_files.rend(), [afterSeq](const LogSetFile &file) { return file.firstSeq <= afterSeq + 1; });
    if (first != m_files.rend())
        m_files.erase(m_files.begin(), first.base() - 1);
    std::reverse(m_files.begin(), m_files.end());
}

// False: it does not reach back far enough.
bool LogStream::openNewest()
{
    const int fd = open(m_path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info{};
    if (fd < 0)
        return false;
    const auto first = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? firstSeqIn(fd) : std::nullopt;
    const int64_t at = first && *first <= m_seq + 1 ? offsetAfterSeq(fd, info.st_size, m_seq) : -1;
    if (at < 0 || lseek(fd, at, SEEK_SET) != at) {
        close(fd);
        return false;
    }
    m_reader = std::make_unique<LineReader>(fd);
    m_reading = m_path;
    return true;
}

bool LogStream::openNext()
{
    if (m_files.empty())
        return false;
    std::string why;
    m_reader = openLines(m_files.back(), &why);
    m_reading = m_files.back().path;
    m_files.pop_back();
    if (!m_reader)
        m_problem = LogProblem{m_reading, why};
    return m_reader != nullptr;
}

std::optional<AuditEvent> LogStream::next()
{
    while (!m_problem && (m_reader || openNext())) {
        for (std::string_view line; m_reader->next(&line);) {
            const auto chained = readChainedLine(line);
            if (!chained || chained->seq <= m_seq)
                continue;
            if (auto event = parseAuditLine(line)) {
                m_seq = event->seq;
                return event;
            }
        }
        if (m_reader->hasFailed())
            m_problem = LogProblem{m_reading, m_reader->problem()};
        m_reader.reset();
    }
    return {};
}

std::optional<AuditEvent> LogStream::nextReadable()
{
    auto event = next();
    for (; !event && m_problem; event = next()) {
        logError("a file of the audit log cannot be read; what it holds is passed over", {{"file", m_problem->file}, {"why", m_problem->why}});
        passOver();
    }
    return event;
}

std::optional<AuditEvent> newestEvent(const std::string &path, const KeyRing *keys, std::optional<LogProblem> *problem)
{
    std::optional<AuditEvent> newest;
    errno = 0;
    const bool read = visitLinesBackwards(path, [&newest](std::string_view line) {
        newest = parseAuditLine(line);
        return !newest;
    });
    if (!read && errno != 0 && errno != ENOENT) {
        if (problem)
            *problem = LogProblem{path, std::strerror(errno)};
        return newest;
    }
    if (newest)
        return newest;
    LogSet set = logSet(path, keys);
    for (; !newest && !set.files.empty(); set.files.pop_back()) {
        visitLines(set.files.back(), [&newest](std::string_view line) {
            if (auto event = parseAuditLine(line))
                newest = std::move(event);
            return true;
        });
    }
    return newest;
}

} // namespace llmproxy
