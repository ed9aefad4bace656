// SPDX-License-Identifier: GPL-3.0-only
// One process owns a data directory at a time: flock on llm-proxy.lock. Its first line is the owner's process id, its second one the
// path of the control socket where that is elsewhere. Thread: any.
#pragma once

#include "base/result.h"

#include <atomic>
#include <string>

namespace llmproxy {

class DataLock
{
public:
    ~DataLock() { release(); }
    // Error names the pid that holds it.
    Outcome acquire(const std::string &dataDir);
    void release();
    // For who looks for the engine's control socket. After acquire().
    Outcome nameSocket(const std::string &path);
    // Now and then: is the file that is held still that of the data directory? It is not when somebody deleted the folder, or put
    // another one in its place: what is written then is in files that nobody finds. One thread.
    void look();
    bool holds() const { return m_holds; } // at the last look; any thread

private:
    Outcome write(const std::string &text);

    int m_fd = -1;
    std::string m_path;
    std::atomic<bool> m_holds = true;
};

// Nobody becomes the owner while this lives. Writes nothing: without a lock file there is nothing to hold.
class DataReadLock
{
public:
    explicit DataReadLock(const std::string &dataDir);
    ~DataReadLock();
    DataReadLock(const DataReadLock &) = delete;
    DataReadLock &operator=(const DataReadLock &) = delete;
    bool isOwned() const { return m_isOwned; } // somebody is the owner already

private:
    int m_fd = -1;
    bool m_isOwned = false;
};

} // namespace llmproxy
