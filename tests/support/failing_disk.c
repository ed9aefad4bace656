// SPDX-License-Identifier: GPL-3.0-only
// A disk that fails on command, for LD_PRELOAD: cc -shared -fPIC. The file that FAILING_DISK names says what fails, a rule a line:
//
//     OPERATION,… OUTCOME PART-OF-PATH        write,sync EIO /audit.log
//
// Operations: write, sync, allocate, truncate; rename, whose path is OLD>NEW<; open, before the file is opened;
// resolve, before realpath() reads the path; bind, a socket in the file system. Outcomes: EIO, ENOSPC, EPERM; SHORT (half of a write is done, the next one finds no space);
// PART (half of each write is done); HANG (waits until the rule is gone; FAILING_DISK.hung is there as soon as one does). It is
// looked at before each operation, so what it says holds at once; without it the disk is well. It must be replaced by a rename.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum Outcome { Well, Eio, Enospc, Eperm, Short, Part, Hang };
static const char *const outcomeNames[] = {"", "EIO", "ENOSPC", "EPERM", "SHORT", "PART", "HANG"};

struct Rule
{
    char operations[64];
    char path[160];
    enum Outcome outcome;
    bool halved; // Short: the first half is done
};

static struct Rule rules[8];
static int ruleCount;
static struct stat seen; // of the control file that the rules are from
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void readRules(void)
{
    const char *const control = getenv("FAILING_DISK");
    struct stat now;
    if (!control || stat(control, &now) != 0) {
        ruleCount = 0;
        memset(&seen, 0, sizeof seen);
        return;
    }
    if (now.st_ino == seen.st_ino && now.st_mtim.tv_sec == seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec)
        return;
    seen = now;
    ruleCount = 0;
    FILE *const file = fopen(control, "re");
    char outcome[16];
    while (file && ruleCount < 8
           && fscanf(file, "%63s %15s %159s", rules[ruleCount].operations, outcome, rules[ruleCount].path) == 3) {
        for (int name = Eio; name <= Hang; ++name) {
            if (strcmp(outcome, outcomeNames[name]) == 0)
                rules[ruleCount].outcome = (enum Outcome)name;
        }
        rules[ruleCount++].halved = false;
    }
    if (file)
        fclose(file);
}

static enum Outcome decide(const char *operation, const char *path)
{
    readRules();
    for (struct Rule *rule = rules; rule < rules + ruleCount; ++rule) {
        if (!strstr(rule->operations, operation) || !strstr(path, rule->path))
            continue;
        if (rule->outcome != Short)
            return rule->outcome;
        rule->halved = !rule->halved;
        return rule->halved ? Part : Enospc;
    }
    return Well;
}

static void markHung(void)
{
    char name[512];
    snprintf(name, sizeof name, "%s.hung", getenv("FAILING_DISK"));
    close(creat(name, 0600));
}

static enum Outcome outcomeAt(const char *operation, const char *path)
{
    const int before = errno;
    enum Outcome outcome;
    bool hung = false;
    while (true) {
        pthread_mutex_lock(&lock);
        outcome = decide(operation, path);
        pthread_mutex_unlock(&lock);
        if (outcome != Hang)
            break;
        if (!hung)
            markHung();
        hung = true;
        usleep(1000);
    }
    errno = before;
    return outcome;
}

static enum Outcome outcomeOf(const char *operation, int fd)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0)
        return Well;
    path[size] = '\0';
    return outcomeAt(operation, path);
}

static int errorOf(enum Outcome outcome)
{
    return outcome == Eio ? EIO : outcome == Enospc ? ENOSPC : outcome == Eperm ? EPERM : 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// How much of size is to be written; -1: none, errno says why.
static ssize_t allowed(int fd, size_t size)
{
    const enum Outcome outcome = outcomeOf("write", fd);
    if (errorOf(outcome)) {
        errno = errorOf(outcome);
        return -1;
    }
    return (ssize_t)(outcome == Part && size > 1 ? size / 2 : size);
}

ssize_t write(int fd, const void *data, size_t size)
{
    const ssize_t some = allowed(fd, size);
    return some < 0 ? -1 : NEXT(write)(fd, data, (size_t)some);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    const ssize_t some = allowed(fd, size);
    return some < 0 ? -1 : NEXT(pwrite)(fd, data, (size_t)some, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    const ssize_t some = allowed(fd, size);
    return some < 0 ? -1 : NEXT(pwrite64)(fd, data, (size_t)some, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return allowed(fd, 1) < 0 ? -1 : NEXT(writev)(fd, parts, count);
}

static bool fails(const char *operation, int fd)
{
    const int error = errorOf(outcomeOf(operation, fd));
    if (error)
        errno = error;
    return error != 0;
}

int fsync(int fd)
{
    return fails("sync", fd) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails("sync", fd) ? -1 : NEXT(fdatasync)(fd);
}

int fallocate(int fd, int mode, off_t at, off_t size)
{
    return fails("allocate", fd) ? -1 : NEXT(fallocate)(fd, mode, at, size);
}

int fallocate64(int fd, int mode, off64_t at, off64_t size)
{
    return fails("allocate", fd) ? -1 : NEXT(fallocate64)(fd, mode, at, size);
}

int posix_fallocate(int fd, off_t at, off_t size)
{
    return fails("allocate", fd) ? errno : NEXT(posix_fallocate)(fd, at, size);
}

int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    return fails("allocate", fd) ? errno : NEXT(posix_fallocate64)(fd, at, size);
}

int ftruncate(int fd, off_t size)
{
    return fails("truncate", fd) ? -1 : NEXT(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return fails("truncate", fd) ? -1 : NEXT(ftruncate64)(fd, size);
}

// With errno where it does not.
static bool allows(const char *operation, const char *path)
{
    const int error = errorOf(outcomeAt(operation, path));
    if (error)
        errno = error;
    return error == 0;
}

int rename(const char *old, const char *new)
{
    char path[1024];
    snprintf(path, sizeof path, "%s>%s<", old, new);
    return allows("rename", path) ? NEXT(rename)(old, new) : -1;
}

char *realpath(const char *path, char *resolved)
{
    return allows("resolve", path) ? NEXT(realpath)(path, resolved) : NULL;
}

// What a fortified build calls.
char *__realpath_chk(const char *path, char *resolved, size_t size)
{
    (void)size;
    return realpath(path, resolved);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return allows("open", path) ? NEXT(open)(path, flags, mode) : -1;
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return allows("open", path) ? NEXT(open64)(path, flags, mode) : -1;
}

int openat(int folder, const char *name, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    char link[64], path[1024] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const ssize_t size = name[0] == '/' || folder < 0 ? 0 : readlink(link, path, sizeof path / 2);
    snprintf(path + (size > 0 ? size : 0), sizeof path / 2, "/%s", name);
    // A step on the way to a file opens no file.
    return (flags & O_PATH) || allows("open", path) ? NEXT(openat)(folder, name, flags, mode) : -1;
}

int openat64(int folder, const char *name, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(folder, name, flags, mode);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    const bool isFile = address->sa_family == AF_UNIX && ((const struct sockaddr_un *)address)->sun_path[0] != '\0';
    return !isFile || allows("bind", ((const struct sockaddr_un *)address)->sun_path) ? NEXT(bind)(fd, address, size) : -1;
}
