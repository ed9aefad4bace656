// SPDX-License-Identifier: GPL-3.0-only
// A system that has no thread left on command, for LD_PRELOAD: cc -shared -fPIC. While the file that FAILING_THREADS names is
// there, pthread_create() fails as at RLIMIT_NPROC or at a cgroup's pids.max. FAILING_THREADS_AFTER: so many are made before that.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static long made;

typedef int (*Create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *argument)
{
    const char *const control = getenv("FAILING_THREADS");
    const char *const after = getenv("FAILING_THREADS_AFTER");
    const long number = __atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
    if (control && access(control, F_OK) == 0 && number >= (after ? atol(after) : 0))
        return EAGAIN;
    static Create real;
    if (!real)
        real = (Create)dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attributes, work, argument);
}
