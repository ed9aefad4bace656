// SPDX-License-Identifier: GPL-3.0-only
#include "base/owned_file.h"

#include "base/accounts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr int mostLinks = 40; // as in path_resolution(7)
constexpr int mostRaces = 10; // somebody creates or removes the file just now

class Descriptor
{
public:
    explicit Descriptor(int descriptor) : m_descriptor(descriptor) {}
    ~Descriptor() { reset(-1); }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int get() const { return m_descriptor; }
    int release() { return std::exchange(m_descriptor, -1); }
    void reset(int descriptor)
    {
        const int held = std::exchange(m_descriptor, descriptor);
        const int error = errno;
        if (held >= 0)
            close(held);
        errno = error;
    }

private:
    int m_descriptor;
};

bool isOursOrRoots(const struct stat &info)
{
    return info.st_uid == geteuid() || info.st_uid == 0;
}

// In a folder with the sticky bit nobody else can replace what is ours.
bool isClosedToUsers(const struct stat &folder)
{
    return isOursOrRoots(folder) && ((folder.st_mode & S_IWOTH) == 0 || (folder.st_mode & S_ISVTX) != 0);
}

bool isOursAlone(const struct stat &folder)
{
    return isClosedToUsers(folder) && ((folder.st_mode & S_IWGRP) == 0 || (folder.st_mode & S_ISVTX) != 0 || isPrivateGroup(folder.st_gid));
}

bool isDeviceName(const std::string &path)
{
    return path.starts_with("/dev/") || path.starts_with("/proc/");
}

// Goes along a path, folder by folder, so that each link is seen before it is followed.
class OwnedPath
{
public:
    explicit OwnedPath(const std::string &path) : m_rest(path) {}

    // To the folder of the last name, which is no link there, or is not there at all. Or to a link that leads to a device, if asked.
    bool walk(bool stopsAtDevice = false)
    {
        if (!enter(m_rest.starts_with('/') ? "/" : "."))
            return false;
        while (true) {
            m_name = takeName();
            if (m_name.empty()) { // the path ends in a folder
                m_name = ".";
                return true;
            }
            const Descriptor entry(openat(m_folder.get(), m_name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            struct stat info{};
            if (entry.get() < 0 || fstat(entry.get(), &info) != 0)
                return (errno == ENOENT && m_rest.empty()) || failed(std::strerror(errno), errno);
            if (S_ISLNK(info.st_mode)) {
                if (!follow(entry.get(), info))
                    return false;
                if (stopsAtDevice && isDeviceName(m_target))
                    return true;
            } else if (m_rest.empty()) {
                return true;
            } else if (!enter(m_name.c_str())) {
                return false;
            }
        }
    }
    int folder() const { return m_folder.get(); }
    const char *name() const { return m_name.c_str(); }
    const std::string &target() const { return m_target; } // of the last link
    const std::string &problem() const { return m_problem; }

private:
    bool failed(std::string problem, int error)
    {
        m_problem = std::move(problem);
        errno = error;
        return false;
    }

    std::string takeName()
    {
        m_rest.erase(0, m_rest.find_first_not_of('/'));
        const std::string name = m_rest.substr(0, m_rest.find('/'));
        m_rest.erase(0, name.size());
        m_rest.erase(0, m_rest.find_first_not_of('/'));
        return name;
    }

    bool enter(const char *name)
    {
        const int from = name[0] == '/' || m_folder.get() < 0 ? AT_FDCWD : m_folder.get();
        const int next = openat(from, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat info{};
        if (next < 0 || fstat(next, &info) != 0)
            return failed(std::strerror(errno), errno);
        m_folder.reset(next);
        m_isSafe = m_isSafe && isOursAlone(info);
        return m_links == 0 || isClosedToUsers(info) || failed("it is reached through a symbolic link and a folder that others can write", EPERM);
    }

    bool follow(int link, const struct stat &info)
    {
        std::array<char, PATH_MAX> target{};
        const ssize_t size = readlinkat(link, "", target.data(), target.size());
        if (size <= 0 || ++m_links > mostLinks)
            return failed(std::strerror(size > 0 ? ELOOP : errno), size > 0 ? ELOOP : errno);
        if (!m_isSafe || !isOursOrRoots(info))
            return failed("it is reached through the symbolic link '" + m_name + "', which others can have placed", EPERM);
        m_rest = m_target = std::string(target.data(), static_cast<size_t>(size)) + (m_rest.empty() ? "" : "/" + m_rest);
        return !m_rest.starts_with('/') || enter("/");
    }

    std::string m_rest, m_name, m_target, m_problem;
    Descriptor m_folder{-1};
    int m_links = 0;
    bool m_isSafe = true; // all folders so far
};

// Why it is not used; empty: nothing.
std::string distrust(const struct stat &file, bool acceptsPipe)
{
    if (!S_ISREG(file.st_mode) && !(acceptsPipe && S_ISFIFO(file.st_mode)))
        return "it is not a regular file";
    if (!isOursOrRoots(file))
        return "it belongs to " + userText(file.st_uid);
    if ((file.st_mode & S_IWOTH) != 0)
        return "other users can write it; run chmod o-w on it";
    return {};
}

int refused(std::string text, int error, std::string *problem)
{
    *problem = std::move(text);
    errno = error;
    return -1;
}

int createIn(const OwnedPath &way, int flags, mode_t mode, std::string *problem)
{
    const int created = openat(way.folder(), way.name(), flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (created < 0)
        return refused(std::strerror(errno), errno, problem);
    fchmod(created, mode);
    return created;
}

// Without O_NONBLOCK the opening of a FIFO waits; what is written later is to wait.
bool makeBlocking(int descriptor)
{
    const int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

int openIn(const OwnedPath &way, int flags, bool acceptsPipe, const struct stat &seen, std::string *problem)
{
    if (std::string text = distrust(seen, acceptsPipe); !text.empty())
        return refused(std::move(text), EPERM, problem);
    Descriptor opened(openat(way.folder(), way.name(), (flags & ~(O_CREAT | O_TRUNC)) | O_NOFOLLOW | O_NONBLOCK));
    struct stat info{};
    if (opened.get() < 0 || fstat(opened.get(), &info) != 0)
        return refused(std::strerror(errno), errno, problem);
    if (info.st_dev != seen.st_dev || info.st_ino != seen.st_ino)
        return refused("it was replaced just now", ENOENT, problem);
    if (std::string text = distrust(info, acceptsPipe); !text.empty())
        return refused(std::move(text), EPERM, problem);
    const bool isPipe = S_ISFIFO(info.st_mode);
    if ((isPipe && !makeBlocking(opened.get())) || (!isPipe && (flags & O_TRUNC) != 0 && ftruncate(opened.get(), 0) != 0))
        return refused(std::strerror(errno), errno, problem);
    return opened.release();
}

int openAny(const std::string &path, int flags, mode_t mode, bool acceptsPipe, std::string *problem)
{
    flags |= O_CLOEXEC;
    for (int attempt = 0;; ++attempt) {
        OwnedPath way(path);
        if (!way.walk())
            return refused(way.problem(), errno, problem);
        struct stat seen{};
        const bool isThere = fstatat(way.folder(), way.name(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
        if (!isThere && (errno != ENOENT || (flags & O_CREAT) == 0))
            return refused(std::strerror(errno), errno, problem);
        if (isThere && (flags & O_EXCL) != 0)
            return refused(std::strerror(EEXIST), EEXIST, problem);
        const int opened = isThere ? openIn(way, flags, acceptsPipe, seen, problem) : createIn(way, flags, mode, problem);
        const bool isRace = opened < 0 && errno == (isThere ? ENOENT : EEXIST);
        if (!isRace || attempt == mostRaces)
            return opened;
    }
}

} // namespace

int openOwned(const std::string &path, int flags, mode_t mode, std::string *problem)
{
    return openAny(path, flags, mode, false, problem);
}

int openOwnedOutput(const std::string &path, int flags, mode_t mode, std::string *problem)
{
    return openAny(path, flags, mode, true, problem);
}

std::string deviceBehind(const std::string &path)
{
    OwnedPath way(path);
    return way.walk(true) && isDeviceName(way.target()) ? way.target() : path;
}

bool lookAtOwnedFolder(const std::string &path, struct stat *info, std::string *problem)
{
    OwnedPath way(path);
    const bool found = way.walk();
    const Descriptor folder(found ? openat(way.folder(), way.name(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1);
    if (folder.get() >= 0 && fstat(folder.get(), info) == 0)
        return true;
    *problem = found ? std::strerror(errno) : way.problem();
    return false;
}

std::string lastWholeLine(int descriptor, off_t size)
{
    constexpr off_t window = 64 * 1024;
    const off_t from = std::max<off_t>(0, size - window);
    std::string text(static_cast<size_t>(size - from), '\0');
    const ssize_t got = pread(descriptor, text.data(), text.size(), from);
    text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    const size_t end = text.rfind('\n');
    if (end == std::string::npos)
        return {};
    const size_t before = end == 0 ? std::string::npos : text.rfind('\n', end - 1);
    if (before == std::string::npos && from > 0)
        return {};
    const size_t begin = before == std::string::npos ? 0 : before + 1;
    return text.substr(begin, end - begin);
}

} // namespace llmproxy
