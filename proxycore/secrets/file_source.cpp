// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/file_source.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <pthread.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t maxSize = 64 << 10;
constexpr int mostReads = 16;

bool isBelow(std::string_view path, std::string_view folder)
{
    return !folder.empty() && path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/';
}

bool hasDotSegment(std::string_view path)
{
    while (!path.empty()) {
        const size_t slash = path.find('/');
        const std::string_view segment = path.substr(0, slash);
        if (segment == "." || segment == "..")
            return true;
        path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    }
    return false;
}

std::string realPath(const std::string &path)
{
    char resolved[PATH_MAX];
    return realpath(path.c_str(), resolved) ? std::string(resolved) : std::string();
}

std::string_view withoutLineEnd(std::string_view text)
{
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return text;
}

// The path is resolved first and then opened without following: what is checked is what is read.
SharedSecret readFile(const std::string &path, const std::vector<std::string> &roots)
{
    const std::string real = realPath(path);
    const auto holds = [&](const std::string &root) { return isBelow(real, realPath(root)); };
    if (real.empty() || std::none_of(roots.begin(), roots.end(), holds))
        return nullptr;
    const int descriptor = open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return nullptr;
    std::string bytes(maxSize + 1, '\0');
    size_t size = 0;
    struct stat about{};
    bool good = fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    while (good && size < bytes.size()) {
        const ssize_t got = read(descriptor, bytes.data() + size, bytes.size() - size);
        good = got >= 0;
        if (got <= 0)
            break;
        size += static_cast<size_t>(got);
    }
    close(descriptor);
    SharedSecret secret;
    const std::string_view text = withoutLineEnd(std::string_view(bytes).substr(0, size));
    if (good && size <= maxSize)
        secret = secretOf(text);
    wipe(bytes.data(), bytes.size());
    return secret;
}

} // namespace

FileSource::FileSource(const std::string &dataDir, const std::string &secretsDir)
{
    const char *const credentials = std::getenv("CREDENTIALS_DIRECTORY");
    for (const std::string &root : {secretsDir, dataDir + "/secrets", std::string("/run/secrets"), std::string(credentials ? credentials : "")}) {
        if (root.empty())
            continue;
        // As named and as it is: a path may be written either way. A folder that is made later is found by its parent.
        const std::filesystem::path named = std::filesystem::absolute(root).lexically_normal();
        std::error_code failed;
        const std::filesystem::path real = std::filesystem::weakly_canonical(named, failed);
        for (std::string text : {named.string(), failed ? std::string() : real.string()}) {
            while (text.ends_with('/'))
                text.pop_back();
            if (!text.empty() && std::find(m_roots.begin(), m_roots.end(), text) == m_roots.end())
                m_roots.push_back(std::move(text));
        }
    }
}

Outcome FileSource::check(const std::string &reference) const
{
    const std::string path = reference.substr(scheme().size());
    if (!path.starts_with('/') || path.size() >= PATH_MAX || path.find('\0') != path.npos || hasDotSegment(path))
        return invalidReference("'file:' must be followed by an absolute path without '.' and '..'.");
    // As written: where a link leads is looked at when it is read, for the disk may hang.
    if (std::none_of(m_roots.begin(), m_roots.end(), [&](const std::string &root) { return isBelow(path, root); }))
        return invalidReference("Files are read only below SECRETS_DIR, DATA_DIR/secrets, /run/secrets and CREDENTIALS_DIRECTORY.");
    return {};
}

void FileSource::fetch(const std::string &reference, Done done)
{
    if (m_reading->fetch_add(1) >= mostReads) {
        m_reading->fetch_sub(1);
        done(nullptr);
        return;
    }
    std::thread([path = reference.substr(scheme().size()), roots = m_roots, reading = m_reading, done = std::move(done)] {
        pthread_setname_np(pthread_self(), "secret-file");
        SharedSecret value = readFile(path, roots);
        reading->fetch_sub(1);
        done(std::move(value));
    }).detach();
}

} // namespace llmproxy
