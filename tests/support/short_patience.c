// SPDX-License-Identifier: GPL-3.0-only
// A kernel whose TCP gives up sooner, for LD_PRELOAD: cc -shared -fPIC. The times after which it looks for a silent peer and gives an
// unanswering one up are divided by PATIENCE_DIVISOR.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

typedef int (*Set)(int, int, int, const void *, socklen_t);

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    static Set real;
    if (!real)
        real = (Set)dlsym(RTLD_NEXT, "setsockopt");
    const char *const divisor = getenv("PATIENCE_DIVISOR");
    const int is_time = level == IPPROTO_TCP && (name == TCP_KEEPIDLE || name == TCP_KEEPINTVL || name == TCP_USER_TIMEOUT);
    if (!divisor || !is_time || size != sizeof(int))
        return real(fd, level, name, value, size);
    const int shortened = *(const int *)value / atoi(divisor);
    return real(fd, level, name, &shortened, sizeof shortened);
}
