// SPDX-License-Identifier: GPL-3.0-only
// Where the lines of the application log go: LOG_FILE, which rotates at its size, or stdout. Owned by the log; one caller at a time.
#pragma once

#include "base/log.h"

#include <string>
#include <string_view>

namespace llmproxy {

class LogOutput
{
public:
    LogOutput() = default; // stdout
    ~LogOutput();
    LogOutput(LogOutput &&other) noexcept;
    LogOutput &operator=(LogOutput &&other) noexcept;
    LogOutput(const LogOutput &) = delete;
    LogOutput &operator=(const LogOutput &) = delete;

    // False: problem says why, and this one stays as it was.
    bool open(const LogTarget &target, std::string *problem);
    // Waits as long as the reader does. False: not written, or only a part of it.
    bool write(std::string_view line);
    // Can a line be written now? Waits for that at most this long.
    bool waitWritable(int atMostMs) const;
    // Once a second: goes on in a new file when the file was renamed, removed or replaced. Empty, or what there is to say.
    std::string look();
    // SIGHUP. Keeps the old file when no new one can be opened: the text says why.
    std::string reopen();

private:
    bool openFile(std::string *problem);
    bool isInPlace() const;
    void rotate();
    void removeOld();
    int descriptor() const;

    LogTarget m_target;
    int m_file = -1; // -1: stdout
    long m_size = 0;
    int64_t m_cleanedMs = 0; // steady; 0: not yet
    bool m_isRegular = false;
    bool m_isLink = false;      // LOG_FILE was a link of ours when it was opened
    bool m_isTorn = false;      // half a line stands at the end
    bool m_isDisplaced = false; // something is in its place that is not written into; said once
};

} // namespace llmproxy
