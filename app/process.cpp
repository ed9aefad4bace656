// SPDX-License-Identifier: GPL-3.0-only
#include "process.h"

#include <climits>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace llmproxy {

void protectMemory()
{
#ifndef __SANITIZE_ADDRESS__ // LeakSanitizer attaches to the process to look for leaks
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void forbidCoreDumps()
{
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

long liftOpenFiles()
{
    rlimit files = {};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur == RLIM_INFINITY ? LONG_MAX : static_cast<long>(files.rlim_cur);
}

sigset_t blockSignals(std::initializer_list<int> signals)
{
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    for (const int number : signals)
        sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

} // namespace llmproxy
