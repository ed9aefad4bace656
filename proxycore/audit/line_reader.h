// SPDX-License-Identifier: GPL-3.0-only
// The lines of a log's file one at a time, plain or gzip, in bounded memory. Every byte of a gzip file belongs to a member (RFC 1952):
// what is cut off, damaged, or followed by something else was not read to its end. Thread: one per object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <zlib.h>

namespace llmproxy {

// Closes it when nobody holds it any more; null for -1.
std::shared_ptr<const int> holdDescriptor(int fd);

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
    bool isCompressed() const { return m_isCompressed; }
    // After next() said false: the file was not read to its end.
    bool hasFailed() const { return m_failed; }
    // Why; after hasFailed().
    std::string problem() const;

private:
    bool fill();
    bool read();
    bool inflateMore();
    bool fail(const char *why);

    std::shared_ptr<const int> m_file;
    std::string m_input;               // as it is in the file; of a compressed one
    std::unique_ptr<z_stream, void (*)(z_stream *)> m_stream;
    bool m_isCompressed = false, m_isAtStart = true, m_isMember = false; // a member of gzip has begun and not ended
    std::string m_text;
    size_t m_at = 0;
    bool m_failed = false;
    int m_error = 0; // errno
    const char *m_why = "it cannot be opened";
};

// Of the first line that is an event in a plain file; nothing: its beginning holds none.
std::optional<int64_t> firstSeqIn(int fd);

// Where in a plain file of lines in the order of their seq the first one with a higher seq begins; at the latest the size. Where a
// line cannot be read it is an earlier place. size: of what is there; bytes behind it are not looked at.
int64_t offsetAfterSeq(int fd, int64_t size, int64_t seq);

} // namespace llmproxy
