// SPDX-License-Identifier: GPL-3.0-only
#include "audit/log_set.h"

#include "audit/file_cipher.h"
#include "audit/line_reader.h"
#include "audit/verify.h"
#include "base/log.h"

#include <QDir>
#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// A file is rotated once a second at most, and compressed once.
constexpr int mostLooks = 20;

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

bool readLines(LineReader reader, const std::function<bool(std::string_view line)> &visit)
{
    for (std::string_view line; reader.next(&line);) {
        if (!visit(line))
            return true;
    }
    return !reader.hasFailed();
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

// What is decrypted lives in memory alone. -1: it cannot be opened.
int decrypted(const LogSetFile &file)
{
    const int memory = memfd_create("audit", MFD_CLOEXEC);
    if (memory >= 0 && !decryptFile(*file.descriptor, memory, *file.keys) && lseek(memory, 0, SEEK_SET) == 0)
        return memory;
    logError("an encrypted audit log cannot be opened", {{"file", file.path}});
    if (memory >= 0)
        close(memory);
    return -1;
}

} // namespace

bool visitLines(const std::string &path, const std::function<bool(std::string_view line)> &visit)
{
    return readLines(LineReader(open(path.c_str(), O_RDONLY | O_CLOEXEC)), visit);
}

std::unique_ptr<LineReader> openLines(const LogSetFile &file)
{
    const int fd = file.keys ? decrypted(file) : fcntl(*file.descriptor, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) == 0)
        return std::make_unique<LineReader>(fd);
    if (fd >= 0)
        close(fd);
    return nullptr;
}

bool visitLines(const LogSetFile &file, const std::function<bool(std::string_view line)> &visit)
{
    struct stat before{}, after{};
    const bool known = fstat(*file.descriptor, &before) == 0;
    const std::unique_ptr<LineReader> reader = openLines(file);
    if (!reader || !readLines(std::move(*reader), visit))
        return false;
    // Copied and truncated while it was read: what is missing stands in a file that is not among these.
    return known && fstat(*file.descriptor, &after) == 0 && after.st_size >= before.st_size;
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
