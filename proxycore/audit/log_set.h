// SPDX-License-Identifier: GPL-3.0-only
// An audit log with the files that it was rotated to, in order of their events: FILE, logrotate's FILE.1, FILE.2.gz,
// FILE-20261130.gz (dateext), and our own FILE.20261125T143000Z-1234.gz and .gz.enc. Thread: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

class KeyRing;
class LineReader;

// Where the log's file is: a link at the end of its path is followed, also to a file that was renamed just now.
std::string logPlaceOf(const std::string &path);

struct LogSetFile
{
    std::string path;
    int64_t firstSeq = 0; // of its first line that is an event
    std::shared_ptr<const int> descriptor; // open: it may be renamed, compressed or removed meanwhile
    const KeyRing *keys = nullptr; // it is encrypted
};

// Why a file of the log is not read.
struct LogProblem
{
    std::string file;
    std::string why;
    std::string text() const { return "'" + file + "' cannot be read: " + why + "."; }
};

// Of a file that was compressed, or is being compressed: the file itself is still there, and is the one that is read.
struct LogTwice
{
    std::string file;
    std::string readAs;
};

struct LogSet
{
    std::vector<LogSetFile> files;      // those that hold an event, the oldest first
    std::vector<LogProblem> unreadable; // others of the log's name, which may hold events, too
    std::vector<LogTwice> twice;
    std::vector<LogProblem> foreign;    // others, that were read, and not a line is an event; empty ones are none of these
};

// What is there, as it was at one moment: a rotation while the files are opened makes it look again. With alone the file itself
// and no other. Without keys encrypted ones are left out.
LogSet logSet(const std::string &path, const KeyRing *keys, bool alone = false);

// Its lines, from the first one on; null: it cannot be opened. One reader of a file at a time: they share its place.
std::unique_ptr<LineReader> openLines(const LogSetFile &file, std::string *why, int64_t fromSeq = 0);

// Of its first line that is an event; 0: it holds none.
int64_t firstSeqOf(const std::string &path);

// Each complete line, compressed or not, until visit says false. False: the file cannot be read to its end, and why. rest: what
// stands behind the last newline. fromSeq: lines with a lower seq may be left out.
bool visitLines(const std::string &path, const std::function<bool(std::string_view line)> &visit, std::string *why = nullptr);
bool visitLines(const LogSetFile &file, const std::function<bool(std::string_view line)> &visit, std::string *why = nullptr, std::string *rest = nullptr,
                int64_t fromSeq = 0);

// Why nothing can be read from there, as a sentence's end: it is not there, or no regular file; empty: it can be tried. A FIFO would be
// waited for, and a device may have no end.
std::string whyNoFile(const std::string &path);

} // namespace llmproxy
