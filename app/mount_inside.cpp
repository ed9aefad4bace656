// SPDX-License-Identifier: GPL-3.0-only
#include "mount_inside.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// After fork() in a process with threads: system calls alone. The owner of the mounts is asked for, as bubblewrap has two user
// namespaces: the command's cannot undo what is mounted from the other.
[[noreturn]] void mountAndEnd(int mounts, const char *source, const char *path)
{
    constexpr unsigned long flags = MS_NOSUID | MS_NODEV | MS_RDONLY;
    const int user = ioctl(mounts, NS_GET_USERNS);
    bool isGood = user >= 0 && setns(user, CLONE_NEWUSER) == 0 && setns(mounts, CLONE_NEWNS) == 0;
    if (isGood && source[0] == '\0')
        isGood = mount("tmpfs", path, "tmpfs", flags, "mode=0755") == 0;
    else if (isGood)
        isGood = mount(source, path, nullptr, MS_BIND, nullptr) == 0 && mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) == 0;
    _exit(isGood ? 0 : 1);
}

} // namespace

bool mountInside(pid_t firstInside, const std::string &source, const std::string &path)
{
    const std::string file = "/proc/" + std::to_string(firstInside) + "/ns/mnt";
    const int mounts = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (mounts < 0)
        return false;
    const pid_t child = _Fork();
    if (child == 0)
        mountAndEnd(mounts, source.c_str(), path.c_str());
    close(mounts);
    int status = 1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace llmproxy
