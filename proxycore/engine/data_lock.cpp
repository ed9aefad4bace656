// SPDX-License-Identifier: GPL-3.0-only
#include "engine/data_lock.h"

#include "base/log.h"
#include "base/owned_file.h"
#include "engine/engine.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t mostLockBytes = 4096;
constexpr int mostLooks = 2'000;        // ten seconds
constexpr int mostLooksOfCopy = 60'000; // five minutes, while a command copies the database
constexpr useconds_t lookUs = 5'000;

std::string lockPath(const std::string &dataDir)
{
    return dataDir + "/llm-proxy.lock";
}

std::string readLock(int descriptor)
{
    std::string text(mostLockBytes, '\0');
    const ssize_t got = pread(descriptor, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
}

// No engine has it: whoever does shares it, as commands do that copy the database.
bool isShared(int descriptor)
{
    return flock(descriptor, LOCK_SH | LOCK_NB) == 0 && flock(descriptor, LOCK_UN) == 0;
}

// Empty, or a process id and what follows on its line.
bool isLockText(const std::string &text)
{
    const size_t digits = text.find_first_not_of("0123456789");
    return text.empty() || (digits > 0 && digits != std::string::npos && text[digits] == '\n' && text.size() < mostLockBytes);
}

Error lockError(ErrorKind kind, std::string message)
{
    return {kind, "data_dir", std::move(message), "DATA_DIR"};
}

} // namespace

Outcome DataLock::acquire(const std::string &dataDir)
{
    m_path = lockPath(dataDir);
    m_holds = true;
    std::string problem;
    m_fd = openOwned(m_path, O_RDWR | O_CREAT, 0600, &problem);
    if (m_fd < 0)
        return lockError(errno == EPERM ? ErrorKind::Invalid : ErrorKind::Unavailable, "cannot open " + m_path + ": " + problem);
    LockOwner owner;
    bool isLocked = flock(m_fd, LOCK_EX | LOCK_NB) == 0;
    for (int attempt = 0; !isLocked && attempt < (isShared(m_fd) ? mostLooksOfCopy : mostLooks) && !(owner = dataDirOwner(dataDir)).held; ++attempt) {
        if (attempt == mostLooks)
            logWarn("the data directory is still being copied by a command that reads it; the start waits for that", {{"path", dataDir}});
        usleep(lookUs); // somebody asks just now who holds it
        isLocked = flock(m_fd, LOCK_EX | LOCK_NB) == 0;
    }
    if (!isLocked && !owner.held) {
        release();
        return Error{ErrorKind::Conflict, "data_dir_in_use", "the data directory " + dataDir + " is still being copied by a command that reads it; wait until that has ended", "DATA_DIR"};
    }
    if (!isLocked) {
        release();
        return Error{ErrorKind::Conflict, "data_dir_in_use",
                     "the data directory " + dataDir + " is in use by another llm-proxy, process " + std::to_string(owner.pid)
                         + "; stop that one or set DATA_DIR to another directory", "DATA_DIR"};
    }
    if (!isLockText(readLock(m_fd))) {
        release();
        return lockError(ErrorKind::Invalid, m_path + " is not a lock file of LLM Proxy; nothing was changed in it. Move it away or set DATA_DIR to another directory");
    }
    return write(std::to_string(getpid()) + "\n");
}

Outcome DataLock::write(const std::string &text)
{
    if (ftruncate(m_fd, 0) != 0 || pwrite(m_fd, text.data(), text.size(), 0) < 0)
        return lockError(ErrorKind::Unavailable, "cannot write " + m_path + ": " + std::strerror(errno));
    return {};
}

Outcome DataLock::nameSocket(const std::string &path)
{
    return write(std::to_string(getpid()) + "\n" + path + "\n");
}

void DataLock::look()
{
    if (m_fd < 0)
        return; // of an engine that only reads
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

namespace {

// Root and whoever runs us, the folder's owner, and in a folder of theirs that a group may write (a volume of Kubernetes) its members.
bool mayRunEngine(uid_t user, const std::string &dataDir)
{
    struct stat folder{};
    std::string problem;
    if (user == geteuid() || user == 0)
        return true;
    if (!lookAtOwnedFolder(dataDir, &folder, &problem))
        return false;
    const bool isGroups = (folder.st_uid == geteuid() || folder.st_uid == 0) && (folder.st_mode & S_IWGRP) != 0;
    return user == folder.st_uid || isGroups;
}

// -1: there is none, or none that is believed.
int openLock(const std::string &dataDir, struct stat *info)
{
    std::string problem;
    int fd = openOwned(lockPath(dataDir), O_RDONLY, 0, &problem);
    if (fd < 0 && errno == EPERM && geteuid() == 0) // another user's engine, which root may talk to
        fd = open(lockPath(dataDir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || (fstat(fd, info) == 0 && S_ISREG(info->st_mode) && mayRunEngine(info->st_uid, dataDir)))
        return fd;
    close(fd);
    return -1;
}

} // namespace

DataReadLock::DataReadLock(const std::string &dataDir)
{
    struct stat info{};
    m_fd = openLock(dataDir, &info);
    m_isOwned = m_fd >= 0 && flock(m_fd, LOCK_SH | LOCK_NB) != 0;
}

DataReadLock::~DataReadLock()
{
    if (m_fd >= 0)
        close(m_fd);
}

LockOwner dataDirOwner(const std::string &dataDir)
{
    LockOwner owner;
    struct stat info{};
    const int fd = openLock(dataDir, &info);
    if (fd < 0)
        return owner;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        owner.held = true;
        owner.user = info.st_uid;
        const std::string text = readLock(fd);
        owner.pid = std::strtol(text.c_str(), nullptr, 10);
        const size_t second = text.find('\n');
        if (second != std::string::npos)
            owner.socket = text.substr(second + 1, text.find('\n', second + 1) - second - 1);
    }
    close(fd);
    return owner;
}

ControlSocket controlSocketOf(const std::string &dataDir)
{
    const LockOwner owner = dataDirOwner(dataDir);
    return {owner.socket.empty() ? dataDir + "/control.sock" : owner.socket, owner.held ? owner.user : geteuid()};
}

} // namespace llmproxy
