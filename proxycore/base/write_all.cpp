// SPDX-License-Identifier: GPL-3.0-only
#include "base/write_all.h"

#include <cerrno>
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

} // namespace llmproxy
