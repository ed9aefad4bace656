// SPDX-License-Identifier: GPL-3.0-only
#include "audit/log_set.h"

#include "audit/file_cipher.h"
#include "audit/verify.h"
#include "base/log.h"

#include <QDir>
#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace llmproxy {

namespace {

// A file is rotated once a second at most, and compressed once.
constexpr int mostLooks = 20;
constexpr unsigned gzipWindowBytes = 256 * 1024;
constexpr size_t mostOfLine = 1 << 20; // a target may have 8 KiB, and nothing else in an event is as long

std::shared_ptr<const int> openFile(const std::string &path)
{
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return nullptr;
    return {new int(fd), [](const int *held) {
        close(*held);
        delete held;
    }};
}

template<typename File>
int64_t firstSeqIn(const File &file)
{
    int64_t seq = 0;
    visitLines(file, [&seq](std::string_view line) {
        const auto read = readChainedLine(line);
        seq = read ? read->seq : 0;
        return !read;
    });
    return seq;
}

bool readLines(gzFile opened, const std::function<bool(std::string_view line)> &visit)
{
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(opened, gzclose); // plain files too
    if (!file)
        return false;
    gzbuffer(file.get(), gzipWindowBytes);
    std::string text;
    std::string window(gzipWindowBytes, '\0');
    while (true) {
        const int got = gzread(file.get(), window.data(), gzipWindowBytes);
        if (got <= 0)
            return got == 0 && gzeof(file.get()) != 0;
        text.append(window, 0, static_cast<size_t>(got));
        size_t at = 0;
        for (size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
            if (!visit(std::string_view(text).substr(at, end - at)))
                return true;
        }
        text.erase(0, at);
        if (text.size() > mostOfLine) { // no line of ours; what is left of it is none either
            if (!visit(text))
                return true;
            text.clear();
        }
    }
}

QStringList namesOf(const QFileInfo &main, bool alone)
{
    return alone ? QStringList{main.fileName()} : main.dir().entryList({main.fileName(), main.fileName() + QLatin1String(".*")}, QDir::Files);
}

bool isStill(const std::string &path, int fd)
{
    struct stat now{}, opened{};
    return stat(path.c_str(), &now) == 0 && fstat(fd, &opened) == 0 && now.st_ino == opened.st_ino && now.st_dev == opened.st_dev;
}

// False: something changed meanwhile.
bool openAll(const QFileInfo &main, const KeyRing *keys, bool alone, std::vector<LogSetFile> *files)
{
    files->clear();
    const QStringList names = namesOf(main, alone);
    for (const QString &name : names) {
        if (name.endsWith(QLatin1String(".tmp")))
            continue; // being compressed: the file itself is still there
        if (name.endsWith(QLatin1String(".gz")) && names.contains(name.chopped(3)))
            continue; // compressed just now, or when the power went: the same twice
        const bool isEncrypted = name.endsWith(QLatin1String(".gz.enc"));
        if (isEncrypted && (!keys || names.contains(name.chopped(7)) || names.contains(name.chopped(4))))
            continue;
        LogSetFile file;
        file.path = main.dir().filePath(name).toStdString();
        file.descriptor = openFile(file.path);
        if (!file.descriptor)
            return false;
        file.keys = isEncrypted ? keys : nullptr;
        file.firstSeq = isEncrypted ? firstSeqOfEncrypted(*file.descriptor) : firstSeqIn(file);
        if (file.firstSeq > 0)
            files->push_back(std::move(file));
    }
    return namesOf(main, alone) == names
        && std::all_of(files->begin(), files->end(), [](const LogSetFile &file) { return isStill(file.path, *file.descriptor); });
}

// What is decrypted lives in memory alone.
bool visitEncrypted(const LogSetFile &file, const std::function<bool(std::string_view line)> &visit)
{
    const int memory = memfd_create("audit", MFD_CLOEXEC);
    const bool good = memory >= 0 && !decryptFile(*file.descriptor, memory, *file.keys) && lseek(memory, 0, SEEK_SET) == 0;
    if (!good) {
        logError("an encrypted audit log cannot be opened", {{"file", file.path}});
        close(memory);
        return false;
    }
    return readLines(gzdopen(memory, "rb"), visit);
}

} // namespace

bool visitLines(const std::string &path, const std::function<bool(std::string_view line)> &visit)
{
    return readLines(gzopen(path.c_str(), "rbe"), visit);
}

bool visitLines(const LogSetFile &file, const std::function<bool(std::string_view line)> &visit)
{
    if (file.keys)
        return visitEncrypted(file, visit);
    const int fd = dup(*file.descriptor);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return false;
    }
    struct stat before{}, after{};
    const bool known = fstat(fd, &before) == 0;
    const bool read = readLines(gzdopen(fd, "rb"), visit);
    // Copied and truncated while it was read: what is missing stands in a file that is not among these.
    return read && known && fstat(*file.descriptor, &after) == 0 && after.st_size >= before.st_size;
}

int64_t firstSeqOf(const std::string &path)
{
    return firstSeqIn(path);
}

std::vector<LogSetFile> logSet(const std::string &path, const KeyRing *keys, bool alone)
{
    const QFileInfo main(QString::fromStdString(path));
    std::vector<LogSetFile> files;
    for (int attempt = 0; attempt < mostLooks && !openAll(main, keys, alone, &files); ++attempt) { }
    std::sort(files.begin(), files.end(), [](const LogSetFile &a, const LogSetFile &b) { return a.firstSeq < b.firstSeq; });
    return files;
}

} // namespace llmproxy
