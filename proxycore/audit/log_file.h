// SPDX-License-Identifier: GPL-3.0-only
// The audit log's file: append whole lines or nothing, repaired at opening. 1 MiB stays reserved behind the
// end so that requests which were admitted can still be recorded when the disk is full (ruling 43).
// Thread: one caller at a time (AuditLog's file lock).
#pragma once

#include "audit/event.h"
#include "base/result.h"

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace llmproxy {

class AuditLogFile
{
public:
    // mayBeTruncated: by logrotate's copytruncate. What was written in the last two seconds may be in no copy then; the file
    // begins with it again.
    AuditLogFile(std::string path, unsigned mode, bool mayBeTruncated) : m_path(std::move(path)), m_mode(mode), m_mayBeTruncated(mayBeTruncated) {}
    ~AuditLogFile();
    AuditLogFile(const AuditLogFile &) = delete;
    AuditLogFile &operator=(const AuditLogFile &) = delete;

    // Creates missing folders 0700 when asked to, cuts off a half-written last line.
    Outcome open(bool createDir);
    bool reopen();
    // Gives the file another name and goes on in a new one. False: nothing has changed.
    bool rotate(const std::string &name);
    // All of it or, after an error, none of it.
    bool append(std::string_view lines);
    bool sync();
    bool isEmpty() const { return m_size == 0; }
    int64_t size() const { return m_size; }
    // open() found half a line.
    bool wasRepaired() const { return m_repaired; }
    // False: the reserve behind the end cannot be renewed; what is there may be used up, no new work.
    bool hasReserve() const { return m_hasReserve; }
    void renewReserve();
    // Complete lines from the end on: calls back for the events with seq > after, in order; returns the
    // last event of the file, if there is one.
    std::optional<AuditEvent> eventsAfter(int64_t after, const std::function<void(AuditEvent)> &event) const;
    const std::string &path() const { return m_path; }

private:
    struct Recent
    {
        std::chrono::steady_clock::time_point at;
        std::string lines;
    };
    bool openDescriptor();
    bool write(std::string_view lines);
    void keepRecent(std::string_view lines);

    std::string m_path;
    unsigned m_mode;
    int m_fd = -1;
    int64_t m_size = 0;
    const bool m_mayBeTruncated;
    std::deque<Recent> m_recent;
    size_t m_recentBytes = 0;
    int64_t m_reservedEnd = 0;
    bool m_hasReserve = true;
    bool m_repaired = false;
    bool m_isTorn = false; // half a line stands behind m_size
};

} // namespace llmproxy
