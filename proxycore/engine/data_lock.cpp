// SPDX-License-Identifier: GPL-3.0-only
#include "engine/data_lock.h"

#include "base/log.h"
#include "base/sha256.h"
#include "engine/engine.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace llmproxy {

namespace {

std::string lockPath(const std::string &dataDir)
{
    return dataDir + "/llm-proxy.lock";
}

} // namespace

Outcome DataLock::acquire(const std::string &dataDir)
{
    m_path = lockPath(dataDir);
    m_holds = true;
    m_fd = open(m_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (m_fd < 0)
        return Error{ErrorKind::Unavailable, "data_dir", "cannot open " + lockPath(dataDir) + ": " + std::strerror(errno), "DATA_DIR"};
    if (flock(m_fd, LOCK_EX | LOCK_NB) != 0) {
        const LockOwner owner = dataDirOwner(dataDir);
        release();
        return Error{ErrorKind::Conflict, "data_dir_in_use",
                     "the data directory " + dataDir + " is in use by another llm-proxy, process " + std::to_string(owner.pid)
                         + "; stop that one or set DATA_DIR to another directory", "DATA_DIR"};
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(m_fd, 0) != 0 || pwrite(m_fd, pid.data(), pid.size(), 0) < 0)
        return Error{ErrorKind::Unavailable, "data_dir", "cannot write " + lockPath(dataDir) + ": " + std::strerror(errno), "DATA_DIR"};
    return {};
}

void DataLock::look()
{
    struct stat held = {}, there = {};
    const bool isSame = fstat(m_fd, &held) == 0 && stat(m_path.c_str(), &there) == 0 && held.st_dev == there.st_dev && held.st_ino == there.st_ino;
    if (m_holds.exchange(isSame) && !isSame)
        logError("the data directory was deleted or replaced: requests are refused", {{"path", m_path}});
}

void DataLock::release()
{
    if (m_fd >= 0)
        close(m_fd);
    m_fd = -1;
}

LockOwner dataDirOwner(const std::string &dataDir)
{
    LockOwner owner;
    const int fd = open(lockPath(dataDir).c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return owner;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        owner.held = true;
        char text[32] = {};
        if (pread(fd, text, sizeof text - 1, 0) > 0)
            owner.pid = std::strtol(text, nullptr, 10);
    }
    close(fd);
    return owner;
}

std::string controlSocketPath(const std::string &dataDir)
{
    char *resolved = realpath(dataDir.c_str(), nullptr);
    const std::string absolute = resolved ? resolved : dataDir;
    free(resolved);
    const std::string path = absolute + "/control.sock";
    if (path.size() < sizeof(sockaddr_un::sun_path))
        return path;
    // One name per directory, wherever it is called from.
    const std::string name = "llm-proxy-" + Sha256Hex().hash(absolute).substr(0, 16);
    const char *runtime = std::getenv("XDG_RUNTIME_DIR");
    return std::string(runtime && *runtime ? runtime : "/tmp") + "/" + name + ".sock";
}

} // namespace llmproxy
