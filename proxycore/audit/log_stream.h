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
    // After next() had nothing: a file could not be read to its end.
    bool hasFailed() const { return m_failed; }

private:
    bool openNewest(const std::string &path);
    bool openNext();

    std::vector<LogSetFile> m_files; // those that are still to be read, the next one last
    std::unique_ptr<LineReader> m_reader;
    int64_t m_seq; // of the last event; of what is behind it nothing was given yet
    bool m_failed = false;
};

// The newest event in the files; nothing: there is none.
std::optional<AuditEvent> newestEvent(const std::string &path, const KeyRing *keys);

} // namespace llmproxy
