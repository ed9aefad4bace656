// SPDX-License-Identifier: GPL-3.0-only
#include "storage/database_file.h"

#include "base/owned_file.h"
#include "storage/database.h"
#include "storage/migrations.h"

#include <QUrl>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sqlite3.h>
#include <string_view>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// https://sqlite.org/fileformat2.html: the database header, the rollback journal's, the write-ahead log's.
constexpr std::string_view databaseMagic("SQLite format 3\0", 16);
constexpr size_t headerBytes = 100, writeVersionAt = 18, readVersionAt = 19, userVersionAt = 60, applicationIdAt = 68;
constexpr size_t journalPagesAt = 16;
constexpr uint32_t logMagic = 0x377f0682; // the lowest bit: byte order of the checksums
constexpr size_t logHeaderBytes = 32, frameHeaderBytes = 24;
constexpr int64_t mostImageBytes = 64 << 20;

uint32_t bigEndian(std::string_view bytes, size_t at)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

struct ReadFile
{
    ReadFile(const std::string &path, std::string *problem) : descriptor(openOwned(path, O_RDONLY, 0, problem))
    {
        struct stat info{};
        if (descriptor >= 0 && fstat(descriptor, &info) == 0)
            size = info.st_size;
    }
    ~ReadFile()
    {
        if (descriptor >= 0)
            close(descriptor);
    }
    ReadFile(const ReadFile &) = delete;
    ReadFile &operator=(const ReadFile &) = delete;
    std::string read(int64_t from, size_t count) const
    {
        std::string bytes(count, '\0');
        const ssize_t got = descriptor >= 0 ? pread(descriptor, bytes.data(), count, from) : -1;
        bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
        return bytes;
    }

    const int descriptor;
    int64_t size = 0;
};

// Calls back for each page of the committed frames, in their order: its number, and where it stands in the file.
template<typename Visit>
uint32_t visitFrames(const ReadFile &log, size_t *pageBytes, const Visit &visit)
{
    const std::string header = log.read(0, logHeaderBytes);
    if (header.size() < logHeaderBytes || (bigEndian(header, 0) & ~1U) != logMagic)
        return 0;
    *pageBytes = bigEndian(header, 8);
    if (*pageBytes < 512 || *pageBytes > 65536)
        return 0;
    const std::string salts = header.substr(16, 8);
    const auto frameBytes = static_cast<int64_t>(frameHeaderBytes + *pageBytes);
    int64_t committedEnd = 0;
    uint32_t pages = 0; // of the database, at the last commit
    for (int64_t at = logHeaderBytes; at + frameBytes <= log.size; at += frameBytes) {
        const std::string frame = log.read(at, frameHeaderBytes);
        if (frame.size() < frameHeaderBytes || frame.compare(8, 8, salts) != 0)
            break; // of an earlier round
        if (const uint32_t commit = bigEndian(frame, 4); commit > 0) {
            committedEnd = at + frameBytes;
            pages = commit;
        }
    }
    for (int64_t at = logHeaderBytes; at < committedEnd; at += frameBytes)
        visit(bigEndian(log.read(at, frameHeaderBytes), 0), at + static_cast<int64_t>(frameHeaderBytes));
    return pages;
}

// The header as a reader of the database would see it.
std::string committedHeader(const ReadFile &file, const ReadFile &log)
{
    std::string header = file.read(0, headerBytes);
    size_t pageBytes = 0;
    visitFrames(log, &pageBytes, [&](uint32_t page, int64_t at) {
        if (page == 1)
            header = log.read(at, headerBytes);
    });
    return header;
}

struct CloseDatabase
{
    void operator()(sqlite3 *database) const { sqlite3_close(database); }
};
using OpenDatabase = std::unique_ptr<sqlite3, CloseDatabase>;

bool hasOurTables(sqlite3 *database)
{
    constexpr int ours = 5; // since the first schema
    sqlite3_stmt *statement = nullptr;
    const bool prepared = sqlite3_prepare_v2(database,
                                             "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN "
                                             "('meta', 'key_ring', 'projects', 'tokens', 'audit_events')",
                                             -1, &statement, nullptr) == SQLITE_OK;
    const bool found = prepared && sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == ours;
    sqlite3_finalize(statement);
    return found;
}

// "immutable": no lock, no journal, no write-ahead log, nothing beside the file.
bool fileHasOurTables(const std::string &path)
{
    sqlite3 *opened = nullptr;
    const std::string uri = "file:" + QUrl::toPercentEncoding(QString::fromStdString(path), "/").toStdString() + "?immutable=1";
    const int code = sqlite3_open_v2(uri.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
    const OpenDatabase database(opened);
    return code == SQLITE_OK && hasOurTables(database.get());
}

// Of a database whose first transactions are in its write-ahead log only: what the two are together, in memory.
bool imageHasOurTables(const ReadFile &file, const ReadFile &log)
{
    if (log.size < static_cast<int64_t>(logHeaderBytes) || file.size + log.size > mostImageBytes)
        return false;
    std::string image = file.read(0, static_cast<size_t>(file.size));
    size_t pageBytes = 0;
    visitFrames(log, &pageBytes, [&](uint32_t page, int64_t at) {
        const int64_t end = int64_t{page} * static_cast<int64_t>(pageBytes);
        if (page == 0 || end > mostImageBytes)
            return;
        if (static_cast<int64_t>(image.size()) < end)
            image.resize(static_cast<size_t>(end));
        const std::string bytes = log.read(at, pageBytes);
        image.replace(static_cast<size_t>(end) - pageBytes, bytes.size(), bytes);
    });
    if (image.size() < headerBytes)
        return false;
    image[writeVersionAt] = image[readVersionAt] = 1; // a database in memory has no write-ahead log
    sqlite3 *opened = nullptr;
    const int code = sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE, nullptr);
    const OpenDatabase database(opened);
    auto *const bytes = reinterpret_cast<unsigned char *>(image.data());
    const auto size = static_cast<sqlite3_int64>(image.size());
    return code == SQLITE_OK && sqlite3_deserialize(database.get(), "main", bytes, size, size, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK
           && hasOurTables(database.get());
}

// Beside a database that is not there, or empty: a journal with pages, or a write-ahead log, is what is left of another one.
bool hasOthersJournal(const std::string &path)
{
    std::string ignored;
    const ReadFile log(path + "-wal", &ignored), journal(path + "-journal", &ignored);
    const std::string header = journal.read(0, journalPagesAt + 4);
    return log.size > 0 || (header.size() == journalPagesAt + 4 && bigEndian(header, journalPagesAt) > 0);
}

} // namespace

Result<DatabaseLook> lookAtDatabase(const std::string &path, uint32_t newestSchema)
{
    std::string problem;
    const ReadFile file(path, &problem);
    if (file.descriptor < 0 && errno != ENOENT) {
        const ErrorKind kind = errno == EPERM ? ErrorKind::Invalid : ErrorKind::Unavailable;
        return Error{kind, "storage", "The database '" + path + "' cannot be opened: " + problem + ".", "DATABASE_PATH"};
    }
    if (file.size == 0) {
        const DatabaseKind none = file.descriptor < 0 ? DatabaseKind::Missing : DatabaseKind::Empty;
        return DatabaseLook{hasOthersJournal(path) ? DatabaseKind::Other : none, 0};
    }
    const ReadFile log(path + "-wal", &problem);
    const std::string header = committedHeader(file, log);
    if (header.size() < headerBytes || !header.starts_with(databaseMagic))
        return DatabaseLook{DatabaseKind::Other, 0};
    const uint32_t mark = bigEndian(header, applicationIdAt), schema = bigEndian(header, userVersionAt);
    if (mark == databaseApplicationId)
        return DatabaseLook{DatabaseKind::Marked, schema};
    const bool isOurs = mark == 0 && schema > 0 && schema <= newestSchema && (fileHasOurTables(path) || imageHasOurTables(file, log));
    return DatabaseLook{isOurs ? DatabaseKind::Unmarked : DatabaseKind::Other, schema};
}

namespace {

bool copyBytes(const ReadFile &from, int into)
{
    for (int64_t left = from.size; left > 0;) {
        const ssize_t sent = sendfile(into, from.descriptor, nullptr, static_cast<size_t>(left));
        if (sent <= 0)
            return false;
        left -= sent;
    }
    return true;
}

// The database, and what may wait beside it to be taken in.
constexpr std::array databaseFiles = {"", "-wal", "-journal"};

// Before anything is written: what fills a folder that others need, too, is no help to them.
Outcome checkRoom(const std::string &path, const std::string &target)
{
    uint64_t needed = 0;
    for (const char *end : databaseFiles) {
        struct stat info{};
        needed += stat((path + end).c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
    }
    struct statvfs folder{};
    if (statvfs(target.substr(0, target.rfind('/')).c_str(), &folder) != 0 || needed < uint64_t{folder.f_bavail} * folder.f_frsize)
        return {};
    return Error{ErrorKind::Unavailable, "storage", "The database '" + path + "' has " + std::to_string(needed >> 20) + " MiB, and there is no room in the temporary folder for the copy that is read. "
                 "TMPDIR names another folder for it; or start the server, whose commands need no copy.", "DATABASE_PATH"};
}

} // namespace

Outcome copyDatabase(const std::string &path, const std::string &target)
{
    if (Outcome failure = checkRoom(path, target))
        return failure;
    for (const char *end : databaseFiles) {
        std::string problem;
        const ReadFile from(path + end, &problem);
        if (from.descriptor < 0 && errno == ENOENT)
            continue;
        const int into = from.descriptor < 0 ? -1 : openOwned(target + end, O_WRONLY | O_CREAT | O_EXCL, 0600, &problem);
        const bool isCopied = into >= 0 && copyBytes(from, into);
        if (into >= 0 && !isCopied)
            problem = std::strerror(errno);
        if (into >= 0)
            close(into);
        if (!isCopied)
            return Error{ErrorKind::Unavailable, "storage", "The database '" + path + end + "' cannot be copied to '" + target + end + "' to be read: " + problem
                         + ". Is there enough space? TMPDIR names another folder for it.", "DATABASE_PATH"};
    }
    return {};
}

Result<Database::State> Database::lookAt(const std::string &path)
{
    const auto newest = static_cast<uint32_t>(newestSchema());
    const auto look = lookAtDatabase(path, newest);
    if (!look)
        return look.error();
    switch (look->kind) {
    case DatabaseKind::Missing:
    case DatabaseKind::Empty: return State::None;
    case DatabaseKind::Unmarked: return State::Older;
    case DatabaseKind::Marked: return look->schema < newest ? State::Older : State::Current;
    case DatabaseKind::Other: break;
    }
    return State::Other;
}

Error notOurDatabase(const std::string &path)
{
    return {ErrorKind::Invalid, "storage", "DATABASE_PATH: '" + path + "' is not a database of LLM Proxy, so it is not opened; nothing was changed. "
            "Set DATABASE_PATH to another file, or leave it unset for $DATA_DIR/llm-proxy.db.", "DATABASE_PATH"};
}

} // namespace llmproxy
