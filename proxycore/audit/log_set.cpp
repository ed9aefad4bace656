// SPDX-License-Identifier: GPL-3.0-only
#include "audit/log_set.h"

#include "audit/file_cipher.h"
#include "audit/line_reader.h"
#include "audit/verify.h"

#include <QDir>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// A file is rotated once a second at most, and compressed once.
constexpr int mostLooks = 20;
constexpr int mostLinks = 40; // as in path_resolution(7)

// seq: 0: none of its lines is an event. hasContent: it is not empty.
struct FirstSeq
{
    int64_t seq = 0;
    bool hasContent = false;

    bool take(std::string_view line)
    {
        const auto read = readChainedLine(line);
        seq = read ? read->seq : 0;
        hasContent = true;
        return !read;
    }
};

bool readLines(LineReader reader, const std::function<bool(std::string_view line)> &visit, std::string *why, std::string *rest = nullptr)
{
    for (std::string_view line; reader.next(&line);) {
        if (!visit(line))
            return true;
    }
    if (rest)
        *rest = reader.rest();
    if (reader.hasFailed() && why)
        *why = reader.problem();
    return !reader.hasFailed();
}

// As logrotate names them with or without dateext, and we do.
QStringList namesOf(const QFileInfo &main, bool alone)
{
    const QString name = main.fileName();
    return alone ? QStringList{name} : main.dir().entryList({name, name + QLatin1String(".*"), name + QLatin1String("-*")}, QDir::Files);
}

// logrotate's compresscmd may be any.
bool isOtherwiseCompressed(const QString &name)
{
    static constexpr std::array endings = {".xz", ".zst", ".bz2", ".lz4", ".lzma", ".br", ".Z", ".zip", ".7z"};
    return std::any_of(endings.begin(), endings.end(), [&name](const char *ending) { return name.endsWith(QLatin1String(ending)); });
}

bool isStill(const std::string &path, int fd)
{
    struct stat now{}, opened{};
    return stat(path.c_str(), &now) == 0 && fstat(fd, &opened) == 0 && now.st_ino == opened.st_ino && now.st_dev == opened.st_dev;
}

// Being compressed, with the file itself still there; or it cannot be opened without keys.
bool isUnfinished(const QString &name, const KeyRing *keys)
{
    return name.endsWith(QLatin1String(".tmp")) || (!keys && name.endsWith(QLatin1String(".gz.enc")));
}

// The name under which it is read instead: it was compressed just now, or when the power went. Empty: none.
QString otherOf(const QString &name, const QStringList &names, const KeyRing *keys)
{
    QStringList others;
    if (keys && name.endsWith(QLatin1String(".gz.enc")))
        others = {name.chopped(7), name.chopped(4)};
    else if (name.endsWith(QLatin1String(".gz")))
        others = {name.chopped(3)};
    const auto found = std::find_if(others.begin(), others.end(), [&names](const QString &other) { return names.contains(other); });
    return found == others.end() ? QString() : *found;
}

// False: it is gone.
bool openOne(const QString &name, LogSetFile file, const KeyRing *keys, bool isMain, LogSet *set)
{
    const bool isEncrypted = keys && name.endsWith(QLatin1String(".gz.enc"));
    std::string why, rest;
    FirstSeq first;
    file.descriptor = holdDescriptor(open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.descriptor && errno == ENOENT)
        return false;
    if (!file.descriptor) {
        why = std::strerror(errno);
    } else if (!isMain && isOtherwiseCompressed(name)) {
        why = "it is not compressed with gzip; unpack it";
    } else if (isEncrypted) {
        file.keys = keys;
        file.firstSeq = firstSeqOfEncrypted(*file.descriptor);
        why = file.firstSeq > 0 ? "" : "it is damaged";
    } else if (visitLines(file, [&first](std::string_view line) { return first.take(line); }, &why, &rest)) {
        why.clear();
    }
    file.firstSeq = isEncrypted ? file.firstSeq : first.seq;
    if (file.firstSeq > 0)
        set->files.push_back(std::move(file));
    else if (!why.empty())
        set->unreadable.push_back({file.path, why});
    else if (first.hasContent || !rest.empty())
        set->foreign.push_back({file.path, "it contains no events of the audit log"});
    return true;
}

// False: something changed meanwhile.
bool openAll(const QFileInfo &main, const KeyRing *keys, bool alone, LogSet *set)
{
    *set = {};
    const QStringList names = namesOf(main, alone);
    for (const QString &name : names) {
        LogSetFile file;
        file.path = main.dir().filePath(name).toStdString();
        const bool isMain = name == main.fileName(); // whatever it is called
        const QString other = isMain ? QString() : otherOf(name, names, keys);
        if (!other.isEmpty())
            set->twice.push_back({file.path, main.dir().filePath(other).toStdString()});
        else if ((isMain || !isUnfinished(name, keys)) && !openOne(name, std::move(file), keys, isMain, set))
            return false;
    }
    return namesOf(main, alone) == names
        && std::all_of(set->files.begin(), set->files.end(), [](const LogSetFile &file) { return isStill(file.path, *file.descriptor); });
}

// What is decrypted lives in memory alone. -1: it cannot be opened.
int decrypted(const LogSetFile &file, std::string *why)
{
    const int memory = memfd_create("audit", MFD_CLOEXEC);
    const Outcome failure = memory < 0 ? Outcome(Error{ErrorKind::Unavailable, "audit_file", std::strerror(errno), {}}) : decryptFile(*file.descriptor, memory, *file.keys);
    if (!failure && lseek(memory, 0, SEEK_SET) == 0)
        return memory;
    *why = failure ? failure->message : std::strerror(errno);
    if (why->ends_with('.'))
        why->pop_back();
    if (memory >= 0)
        close(memory);
    return -1;
}

} // namespace

std::string logPlaceOf(const std::string &path)
{
    std::string place = path;
    std::array<char, PATH_MAX> target{};
    for (int links = 0; links < mostLinks; ++links) {
        const ssize_t size = readlink(place.c_str(), target.data(), target.size());
        if (size <= 0)
            return place;
        const std::string next(target.data(), static_cast<size_t>(size));
        const size_t folder = next.starts_with('/') ? 0 : place.rfind('/') + 1; // 0: none
        place = place.substr(0, folder) + next;
    }
    return path;
}

bool visitLines(const std::string &path, const std::function<bool(std::string_view line)> &visit, std::string *why)
{
    return readLines(LineReader(open(path.c_str(), O_RDONLY | O_CLOEXEC)), visit, why);
}

std::unique_ptr<LineReader> openLines(const LogSetFile &file, std::string *why, int64_t fromSeq)
{
    const int fd = file.keys ? decrypted(file, why) : fcntl(*file.descriptor, F_DUPFD_CLOEXEC, 0);
    struct stat info{};
    const auto first = fd >= 0 && fromSeq > 1 && fstat(fd, &info) == 0 ? firstSeqIn(fd) : std::nullopt; // nothing: it is compressed
    const int64_t at = first && *first < fromSeq ? offsetAfterSeq(fd, info.st_size, fromSeq - 1) : 0;
    if (fd >= 0 && lseek(fd, at, SEEK_SET) == at)
        return std::make_unique<LineReader>(fd);
    if (fd >= 0 || !file.keys)
        *why = std::strerror(errno);
    if (fd >= 0)
        close(fd);
    return nullptr;
}

bool visitLines(const LogSetFile &file, const std::function<bool(std::string_view line)> &visit, std::string *why, std::string *rest, int64_t fromSeq)
{
    struct stat before{}, after{};
    std::string ignored;
    std::string &reason = why ? *why : ignored;
    const bool known = fstat(*file.descriptor, &before) == 0;
    const std::unique_ptr<LineReader> reader = openLines(file, &reason, fromSeq);
    if (!reader || !readLines(std::move(*reader), visit, &reason, rest))
        return false;
    // Copied and truncated while it was read: what is missing stands in a file that is not among these.
    reason = "it was truncated just now";
    return known && fstat(*file.descriptor, &after) == 0 && after.st_size >= before.st_size;
}

namespace {

int64_t lastSeqOf(const LogSetFile &file)
{
    int64_t last = 0;
    visitLines(file, [&last](std::string_view line) {
        const auto read = readChainedLine(line);
        last = read ? std::max(last, read->seq) : last;
        return true;
    });
    return last;
}

// Each of several may begin with what the one before ended with: one that was rotated within two seconds is then the beginning of
// the next.
void sortFiles(std::vector<LogSetFile> &files)
{
    const auto isEarlier = [](const LogSetFile &a, const LogSetFile &b) { return a.firstSeq < b.firstSeq; };
    std::stable_sort(files.begin(), files.end(), isEarlier);
    for (auto begin = files.begin(); begin != files.end();) {
        const auto end = std::upper_bound(begin, files.end(), *begin, isEarlier);
        if (end - begin > 1) {
            std::map<std::string, int64_t> last;
            std::for_each(begin, end, [&last](const LogSetFile &file) { last[file.path] = lastSeqOf(file); });
            std::stable_sort(begin, end, [&last](const LogSetFile &a, const LogSetFile &b) { return last[a.path] < last[b.path]; });
        }
        begin = end;
    }
}

} // namespace

int64_t firstSeqOf(const std::string &path)
{
    FirstSeq first;
    return visitLines(path, [&first](std::string_view line) { return first.take(line); }) ? first.seq : 0;
}

std::string whyNoFile(const std::string &path)
{
    struct stat info{};
    if (stat(path.c_str(), &info) != 0)
        return std::strerror(errno);
    return S_ISREG(info.st_mode) ? "" : S_ISDIR(info.st_mode) ? "it is a directory" : "it is not a regular file";
}

LogSet logSet(const std::string &path, const KeyRing *keys, bool alone)
{
    const QFileInfo main(QString::fromStdString(logPlaceOf(path)));
    LogSet set;
    for (int attempt = 0; attempt < mostLooks && !openAll(main, keys, alone, &set); ++attempt) { }
    sortFiles(set.files);
    return set;
}

} // namespace llmproxy
