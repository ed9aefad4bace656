// SPDX-License-Identifier: GPL-3.0-only
#include "audit/log_set.h"

#include "audit/verify.h"

#include <QDir>
#include <algorithm>
#include <memory>
#include <zlib.h>

namespace llmproxy {

namespace {

constexpr unsigned windowBytes = 256 * 1024;

int64_t firstSeqOf(const std::string &path)
{
    int64_t seq = 0;
    visitLines(path, [&seq](std::string_view line) {
        const auto read = readChainedLine(line);
        seq = read ? read->seq : 0;
        return !read;
    });
    return seq;
}

} // namespace

bool visitLines(const std::string &path, const std::function<bool(std::string_view line)> &visit)
{
    const std::unique_ptr<gzFile_s, decltype(&gzclose)> file(gzopen(path.c_str(), "rbe"), gzclose); // plain files too
    if (!file)
        return false;
    gzbuffer(file.get(), windowBytes);
    std::string text;
    std::string window(windowBytes, '\0');
    while (true) {
        const int got = gzread(file.get(), window.data(), windowBytes);
        if (got <= 0)
            return got == 0 && gzeof(file.get()) != 0;
        text.append(window, 0, static_cast<size_t>(got));
        size_t at = 0;
        for (size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
            if (!visit(std::string_view(text).substr(at, end - at)))
                return true;
        }
        text.erase(0, at);
    }
}

std::vector<LogSetFile> logSet(const std::string &path, bool alone)
{
    const QFileInfo main(QString::fromStdString(path));
    const QDir folder = main.dir();
    const QStringList names = alone ? QStringList{main.fileName()} : folder.entryList({main.fileName(), main.fileName() + QLatin1String(".*")}, QDir::Files);
    std::vector<LogSetFile> files;
    for (const QString &name : names) {
        if (name.endsWith(QLatin1String(".tmp")))
            continue; // being compressed: the file itself is still there
        if (name.endsWith(QLatin1String(".gz")) && names.contains(name.chopped(3)))
            continue; // compressed just now, or when the power went: the same twice
        const std::string file = folder.filePath(name).toStdString();
        if (const int64_t seq = firstSeqOf(file); seq > 0)
            files.push_back({file, seq, QFileInfo(folder, name).size()});
    }
    std::sort(files.begin(), files.end(), [](const LogSetFile &a, const LogSetFile &b) { return a.firstSeq < b.firstSeq; });
    return files;
}

} // namespace llmproxy
