// SPDX-License-Identifier: GPL-3.0-only
// The lines of a log's file one at a time, plain or gzip, in bounded memory. Thread: one per object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <zlib.h>

namespace llmproxy {

class LineReader
{
public:
    // Takes the descriptor, and reads from where it stands. -1 is a file that cannot be read.
    explicit LineReader(int fd);

    // The next complete line, without its newline; it is good until the next call. False: there is none (any more). What is longer
    // than any line of ours (1 MiB) comes in pieces.
    bool next(std::string_view *line);
    // After next() said false: what stands behind the last newline.
    std::string_view rest() const { return std::string_view(m_text).substr(m_at); }
    // It is gzip; after the first next().
    bool isCompressed() const { return m_file && gzdirect(m_file.get()) == 0; }
    // After next() said false: the file was not read to its end.
    bool hasFailed() const { return m_failed; }
    // Why; after hasFailed().
    std::string problem() const;

private:
    bool fill();

    std::unique_ptr<gzFile_s, decltype(&gzclose)> m_file; // reads plain files, too
    std::string m_text;
    size_t m_at = 0;
    bool m_failed = false;
    int m_error = 0; // errno
};

// Of the first line that is an event in a plain file; nothing: its beginning holds none.
std::optional<int64_t> firstSeqIn(int fd);

// Where in a plain file of lines in the order of their seq the first one with a higher seq begins; at the latest the size. Where a
// line cannot be read it is an earlier place. size: of what is there; bytes behind it are not looked at.
int64_t offsetAfterSeq(int fd, int64_t size, int64_t seq);

} // namespace llmproxy
