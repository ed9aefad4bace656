// SPDX-License-Identifier: GPL-3.0-only
// The events of an audit log's files behind a seq, the oldest first and each once, in bounded memory: from the newest file alone
// when that reaches back far enough, else from those that it was rotated to, too. Reads beside a running writer; what is written
// after it was opened may be missing. Thread: one per object.
#pragma once

#include "audit/event.h"
#include "audit/line_reader.h"
#include "audit/log_set.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace llmproxy {

class LogStream
{
public:
    // keys: of encrypted files; null: those are left out.
    LogStream(std::string path, const KeyRing *keys, int64_t afterSeq);

    // Lines that are no event are passed over: verification is about those.
    std::optional<AuditEvent> next();
    // After next() had nothing: a file could not be read to its end; which one, and why.
    const std::optional<LogProblem> &problem() const { return m_problem; }
    // Goes on behind that file.
    void passOver() { m_problem.reset(); }
    // For who cannot wait until the file is mended: it is named in the application log, and passed over.
    std::optional<AuditEvent> nextReadable();
    // Files that could not even be opened: events that are missing may stand in them.
    const std::vector<LogProblem> &unreadable() const { return m_unreadable; }

private:
    bool openNewest();
    bool openNext();

    const std::string m_path;
    std::vector<LogProblem> m_unreadable;
    std::vector<LogSetFile> m_files; // those that are still to be read, the next one last
    std::unique_ptr<LineReader> m_reader;
    int64_t m_seq; // of the last event; of what is behind it nothing was given yet
    std::string m_reading; // the reader's file
    std::optional<LogProblem> m_problem;
};

// The newest event in the files; nothing: there is none, or only in a file that cannot be read.
std::optional<AuditEvent> newestEvent(const std::string &path, const KeyRing *keys, std::optional<LogProblem> *problem = nullptr);

} // namespace llmproxy
