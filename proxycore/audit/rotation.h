// SPDX-License-Identifier: GPL-3.0-only
// What becomes of an audit log's file when it is full: FILE is renamed to FILE.20261125T143000Z-1234 (UTC, and the seq of its
// last event), compressed beside the running log, and removed when it is too old. Thread: any; the packer has its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace llmproxy {

struct RotatedFile
{
    std::string path;
    int64_t rotatedMs = 0; // wall time; not before its newest event
    int64_t lastSeq = 0;
    bool packed = false;
};

// Beside the file, where the path is a link.
std::string rotatedName(const std::string &path, int64_t wallMs, int64_t lastSeq);
// Of this program's own rotation, oldest first; logrotate's are logrotate's.
std::vector<RotatedFile> rotatedFiles(const std::string &path);

class KeyRing;

// FILE → FILE.gz, with keys FILE.gz.enc, whole or not at all. False: FILE is still there.
bool packFile(const std::string &path, unsigned mode, const KeyRing *keys);

// Compresses and removes on a thread of its own, at the lowest priority.
class LogPacker
{
public:
    // The functions: on the packer's thread.
    struct Rules
    {
        std::string path;
        unsigned mode = 0600;
        int64_t retentionMs = 0;               // 0: nothing is removed
        const KeyRing *keys = nullptr;         // what is packed is encrypted, too; null: it is not
        std::function<int64_t()> wholeTo;      // files with a later event stay as they are for the time being: the table still reads from them
        std::function<bool()> mayRemove;       // false while the clock is not to be trusted
        std::function<void(int64_t)> removed;  // a file up to this seq
    };
    explicit LogPacker(Rules rules);
    ~LogPacker();
    LogPacker(const LogPacker &) = delete;
    LogPacker &operator=(const LogPacker &) = delete;

    // There may be something to do.
    void look();

private:
    void run();
    bool pack();
    bool removeOld() const;

    const Rules m_rules;
    std::mutex m_lock;
    std::condition_variable m_wake;
    bool m_looking = true; // at start: what a crash left
    bool m_ending = false;
    std::thread m_thread;
};

} // namespace llmproxy
