// SPDX-License-Identifier: GPL-3.0-only
// What becomes of an audit log's file when it is full: FILE is renamed to FILE.20261125T143000Z-1234 (UTC, and the seq of its
// last event), compressed beside the running log, and removed when it is too old. Thread: any; the packer has its own.
#pragma once

#include <condition_variable>
#include <cstdint>
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
    // retentionMs 0: nothing is removed. keys: what is packed is encrypted, too; null: it is not.
    LogPacker(std::string path, unsigned mode, int64_t retentionMs, const KeyRing *keys);
    ~LogPacker();
    LogPacker(const LogPacker &) = delete;
    LogPacker &operator=(const LogPacker &) = delete;

    // There may be something to do.
    void look();

private:
    void run();
    void pack();
    void removeOld() const;

    const std::string m_path;
    const unsigned m_mode;
    const int64_t m_retentionMs;
    const KeyRing *const m_keys;
    std::mutex m_lock;
    std::condition_variable m_wake;
    bool m_looking = true; // at start: what a crash left
    bool m_ending = false;
    std::thread m_thread;
};

} // namespace llmproxy
