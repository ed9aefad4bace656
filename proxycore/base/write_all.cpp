// SPDX-License-Identifier: GPL-3.0-only
#include "base/write_all.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace llmproxy {

bool writeAll(int descriptor, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
}

bool syncFolder(const std::string &folder)
{
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const bool good = fsync(descriptor) == 0;
    const int problem = errno;
    close(descriptor);
    errno = problem;
    return good;
}

} // namespace llmproxy
