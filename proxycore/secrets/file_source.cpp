// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/file_source.h"

#include "base/threads.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace llmproxy {

namespace {

constexpr size_t maxSize = 64 << 10;
constexpr int mostReaders = 8; // below each root
constexpr auto rootsWait = std::chrono::milliseconds(50);

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

// The path is resolved first and then opened without following: what is checked is what is read. The root below which it is
// written comes first, so that no other one is looked at without need.
FetchedSecret readFile(const std::string &path, const std::vector<std::string> &roots)
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
    FetchedSecret fetched(nullptr);
    if (good && size <= maxSize)
        fetched = FetchedSecret::of(std::string_view(bytes).substr(0, size));
    wipe(bytes.data(), bytes.size());
    return fetched;
}

} // namespace

// Readers take what waits, in turn. The first is made with the source and stays. A read may hang in the kernel, where nobody can
// end its reader or wait for it: others stand in for it as long as there are fewer than mostReaders, each made when a read would
// have to wait, and gone when nothing waits. Where the system has no thread left for one, the read fails, and whoever asked tries
// again: an error, never the process's end.
struct FileSource::Root
{
    explicit Root(std::string path) : named(std::move(path)) {}

    struct Read
    {
        std::string path;
        Done done;
    };

    const std::string named;
    std::vector<std::string> names; // of all roots, this one first: that no other one is looked at without need
    std::mutex lock; // of what follows
    std::condition_variable wake;
    bool isResolved = false;
    bool isOver = false; // its source is gone
    std::string real; // where links lead to: a path may be written either way
    std::deque<Read> waiting;
    int readers = 0, idle = 0;

    void resolve();
    bool holds(const std::string &path);
    void waitUntilResolved(std::chrono::steady_clock::time_point deadline);
    std::optional<Read> next(bool stays);
    void readAll(bool stays);
};

// A folder that is made later is found by its parent.
void FileSource::Root::resolve()
{
    std::error_code failed;
    std::string path = std::filesystem::weakly_canonical(named, failed).string();
    const std::lock_guard guard(lock);
    real = failed ? std::string() : std::move(path);
    isResolved = true;
    wake.notify_all();
}

bool FileSource::Root::holds(const std::string &path)
{
    const std::lock_guard guard(lock);
    return isBelow(path, named) || isBelow(path, real);
}

void FileSource::Root::waitUntilResolved(std::chrono::steady_clock::time_point deadline)
{
    std::unique_lock guard(lock);
    wake.wait_until(guard, deadline, [this] { return isResolved; });
}

FileSource::FileSource(const std::string &dataDir, const std::string &secretsDir)
{
    const char *const credentials = std::getenv("CREDENTIALS_DIRECTORY");
    for (const std::string &path : {secretsDir, dataDir + "/secrets", std::string("/run/secrets"), std::string(credentials ? credentials : "")}) {
        std::string named = path.empty() ? std::string() : std::filesystem::absolute(path).lexically_normal().string();
        while (named.ends_with('/'))
            named.pop_back();
        if (named.empty())
            continue;
        m_roots.push_back(std::make_shared<Root>(std::move(named)));
    }
    try {
        startReaders();
    } catch (...) {
        endReaders(); // nobody else ends those that were made
        throw;
    }
    // Local folders resolve well within this time. One on a network that hangs is known by its configured name until it resolves.
    const auto deadline = std::chrono::steady_clock::now() + rootsWait;
    for (const auto &root : m_roots)
        root->waitUntilResolved(deadline);
}

void FileSource::startReaders()
{
    for (const auto &root : m_roots) {
        root->names.push_back(root->named);
        for (const auto &other : m_roots) {
            if (other != root)
                root->names.push_back(other->named);
        }
        root->readers = 1;
        makeThread("secret-file", [root] {
            root->resolve();
            root->readAll(true);
        }).detach(); // it may hang, and owns what it uses
    }
}

FileSource::~FileSource()
{
    endReaders();
}

void FileSource::endReaders()
{
    for (const auto &root : m_roots) {
        const std::lock_guard guard(root->lock);
        root->isOver = true;
        root->wake.notify_all();
    }
}

Outcome FileSource::check(const std::string &reference) const
{
    const std::string path = reference.substr(scheme().size());
    if (!path.starts_with('/') || path.size() >= PATH_MAX || path.find('\0') != path.npos || hasDotSegment(path))
        return invalidReference("'file:' must be followed by an absolute path without '.' and '..'.");
    // As written: where a link leads is looked at when it is read, for the disk may hang.
    if (std::none_of(m_roots.begin(), m_roots.end(), [&](const auto &root) { return root->holds(path); }))
        return invalidReference("Files are read only below SECRETS_DIR, DATA_DIR/secrets, /run/secrets and CREDENTIALS_DIRECTORY.");
    return {};
}

// Thread: a reader's. Nothing: it is over.
std::optional<FileSource::Root::Read> FileSource::Root::next(bool stays)
{
    std::unique_lock guard(lock);
    ++idle;
    if (stays)
        wake.wait(guard, [this] { return isOver || !waiting.empty(); });
    --idle;
    if (waiting.empty()) {
        --readers;
        return std::nullopt;
    }
    Read one = std::move(waiting.front());
    waiting.pop_front();
    return one;
}

void FileSource::Root::readAll(bool stays)
{
    while (const std::optional<Read> one = next(stays)) {
        FetchedSecret fetched(nullptr);
        guarded("secret-file", [&] { fetched = readFile(one->path, names); });
        guarded("secret-file", [&] { one->done(fetched); });
    }
}

void FileSource::fetch(const std::string &reference, Done done)
{
    std::string path = reference.substr(scheme().size());
    const auto found = std::find_if(m_roots.begin(), m_roots.end(), [&](const auto &one) { return one->holds(path); });
    if (found == m_roots.end()) {
        done(nullptr);
        return;
    }
    const std::shared_ptr<Root> root = *found;
    {
        const std::lock_guard guard(root->lock);
        root->waiting.push_back({std::move(path), done});
        root->wake.notify_one();
        if (static_cast<size_t>(root->idle) >= root->waiting.size() || root->readers == mostReaders)
            return;
        ++root->readers;
    }
    if (tryDetachedThread("secret-file", [root] { root->readAll(false); }))
        return;
    {
        const std::lock_guard guard(root->lock);
        --root->readers;
        if (root->waiting.empty())
            return; // somebody took it meanwhile
        done = std::move(root->waiting.back().done);
        root->waiting.pop_back();
    }
    done(nullptr);
}

} // namespace llmproxy
