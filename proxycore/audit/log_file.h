// SPDX-License-Identifier: GPL-3.0-only
// The audit log's file: append whole lines or nothing, repaired at opening. 1 MiB stays reserved behind the
// end so that requests which were admitted can still be recorded when the disk is full (ruling 43).
// It knows when somebody renames, removes, replaces or cuts it (ruling 49), and can go on under its own name: in a new file that
// begins with the lines of the last two seconds, for a copy or a compressor may have missed them.
// Thread: one caller at a time (AuditLog's file lock).
#pragma once

#include "audit/event.h"
#include "base/result.h"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace llmproxy {

class AuditLogFile
{
public:
    AuditLogFile(std::string path, unsigned mode) : m_path(std::move(path)), m_mode(mode) {}
    ~AuditLogFile();
    AuditLogFile(const AuditLogFile &) = delete;
    AuditLogFile &operator=(const AuditLogFile &) = delete;

    // Creates missing folders 0700 when asked to, cuts off a half-written last line. Error Invalid: it is no log of ours, or in a
    // place where others can put files (base/owned_file.h).
    Outcome open(bool createDir);
    bool reopen(); // the old file is synced first

    enum class Place {
        Same,
        Renamed, // it has another name, and its own is free or that of an empty file
        Removed, // likewise, and it has no name any more
        Taken,   // its name is that of something else: a file with content, a link, a device
        Gone,    // its folder is not there
    };
    Place place() const;
    enum class Length {
        Whole,
        Emptied, // truncated to nothing; what stands there was written after that
        Cut,     // its end is missing
    };
    Length length() const;
    // Quick: it has lost its name, or a part of it.
    bool isDisturbed() const;
    // Goes on in an empty file under its own name. False: there is none to be had, or no room in it, as errno says; nothing has changed.
    bool moveOn();
    // The same with all that it held, synced.
    bool restore();
    // After it was emptied. False: there is no room for the lines of the last two seconds; it still counts as emptied.
    bool beginAgain();
    // The first line that it began with again; empty: none.
    std::string_view firstRepeated() const { return m_firstRepeated; }
    // Of its first line; nothing: it has none.
    std::optional<int64_t> firstSeq() const;
    // A file beside it, named after it, ends with one of these lines: a copy, or it was compressed.
    bool isContinued(const std::string &lines) const;
    // Those of the last two seconds before the newest, and always the newest.
    std::string recentLines() const;
    void forgetOld(); // lines of the last two seconds that are older by now
    // Nothing is written any more until it has moved on.
    void setLost(bool lost) { m_isLost = lost; }

    // Gives the file another name and goes on in a new one. False: nothing has changed.
    bool rotate(const std::string &name);
    // All of it or, after an error, none of it.
    bool append(std::string_view lines);
    bool sync();
    bool isEmpty() const { return m_size == 0; }
    bool isLost() const { return m_isLost; }
    bool isTorn() const { return m_isTorn; }
    int64_t size() const { return m_size; }
    // open() found a last line without its end.
    bool wasRepaired() const { return !m_repair.empty(); }
    // What it did about it, as a sentence; empty: there was nothing to do.
    const std::string &repair() const { return m_repair; }
    // False: the reserve behind the end cannot be renewed; what is there may be used up, no new work.
    bool hasReserve() const { return m_hasReserve; }
    void renewReserve();
    const std::string &path() const { return m_path; }

private:
    struct Recent
    {
        std::chrono::steady_clock::time_point at;
        std::string lines;
    };
    std::string openDescriptor(); // empty, or why not: then nothing has changed
    Outcome repairEnd();
    bool endLine();
    int openEmpty() const;
    void take(int fd, int64_t size);
    bool write(std::string_view lines);
    void keepFirst(const std::string &again);
    void keepRecent(std::string_view lines);

    std::string m_path;
    std::string m_target; // where it was when it was opened, if the path is a link
    unsigned m_mode;
    int m_fd = -1;
    int64_t m_size = 0;
    std::deque<Recent> m_recent;
    std::string m_firstRepeated;
    size_t m_recentBytes = 0;
    int64_t m_reservedEnd = 0;
    bool m_hasReserve = true;
    std::string m_repair;
    bool m_isTorn = false; // half a line stands behind m_size
    bool m_isLost = false;
    bool m_isToBegin = false; // it was emptied, and what it is to begin with could not be written: it is emptied again
};

} // namespace llmproxy
