// SPDX-License-Identifier: GPL-3.0-only
#include "audit/file_reader.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int64_t backwardBytes = 256 * 1024;

} // namespace

std::string readRange(int fd, int64_t from, int64_t size)
{
    std::string bytes(static_cast<size_t>(size), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = pread(fd, bytes.data() + done, bytes.size() - done, from + static_cast<int64_t>(done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += static_cast<size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

bool visitLinesBackwards(const std::string &path, const std::function<bool(std::string_view line)> &visit)
{
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info{};
    bool good = fd >= 0 && fstat(fd, &info) == 0;
    bool wanted = good;
    std::string later; // the beginning of a line whose rest was read before
    bool lastLine = true;
    for (int64_t at = info.st_size; wanted && at > 0;) {
        const int64_t size = std::min(at, backwardBytes);
        at -= size;
        std::string window = readRange(fd, at, size);
        good = static_cast<int64_t>(window.size()) == size;
        window += later;
        size_t end = window.size();
        for (size_t newline; good && wanted && end > 0 && (newline = window.rfind('\n', end - 1)) != std::string::npos; end = newline) {
            if (!lastLine) // what stands behind the last line end is no line yet
                wanted = visit(std::string_view(window).substr(newline + 1, end - newline - 1));
            lastLine = false;
        }
        later = window.substr(0, end);
        wanted = wanted && good;
    }
    if (wanted && !lastLine && !later.empty())
        visit(later);
    if (fd >= 0)
        close(fd);
    return good;
}

} // namespace llmproxy
