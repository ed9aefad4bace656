// SPDX-License-Identifier: GPL-3.0-only
// Reading on from a seq: from the right place of the newest file, or from the files before it, each event once.
#include "audit/audit_log.h"
#include "audit/log_stream.h"
#include "audit/rotation.h"
#include "secrets/key_ring.h"
#include "test_registry.h"

#include <QFile>
#include <QTemporaryDir>

#include <fcntl.h>
#include <future>
#include <unistd.h>

using namespace llmproxy;

class TstLogStream : public QObject
{
    Q_OBJECT

private:
    static std::string write(const QTemporaryDir &dir, int64_t count)
    {
        AuditConfig config;
        config.file = dir.path().toStdString() + "/audit.log";
        config.storeInDb = false;
        AuditLog log(config);
        if (log.start(nullptr))
            return {};
        std::vector<AuditLog::Entry> entries;
        for (int64_t i = 0; i < count; ++i) {
            AuditEvent event(Action::TokenAccess, "client", "success");
            event.detail("endpoint", "/" + std::string(static_cast<size_t>(i % 300), 'x'));
            entries.push_back({std::move(event), nullptr});
        }
        log.recordAll(std::move(entries));
        log.stop();
        return config.file;
    }
    static std::vector<int64_t> seqs(const std::string &path, int64_t after)
    {
        std::vector<int64_t> found;
        LogStream stream(path, nullptr, after);
        while (const auto event = stream.next())
            found.push_back(event->seq);
        return stream.problem() ? std::vector<int64_t>() : found;
    }
    static std::vector<int64_t> range(int64_t from, int64_t to)
    {
        std::vector<int64_t> all;
        for (; from <= to; ++from)
            all.push_back(from);
        return all;
    }
    static QByteArray contents(const std::string &path)
    {
        QFile file(QString::fromStdString(path));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    static void put(const std::string &path, const QByteArray &bytes)
    {
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(bytes);
    }
    // The file's lines from one on, up to another.
    static QByteArray lines(const QByteArray &all, int64_t from, int64_t to)
    {
        return all.split('\n').mid(from - 1, to - from + 1).join('\n') + '\n';
    }

private Q_SLOTS:
    void beginsBehindAnySeq()
    {
        QTemporaryDir dir;
        const std::string path = write(dir, 2000);
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        const int64_t size = contents(path).size();
        for (const int64_t after : {0, 1, 2, 77, 999, 1500, 1998, 1999, 2000, 5000}) {
            QCOMPARE(seqs(path, after), range(after + 1, 2000));
            const int64_t at = offsetAfterSeq(fd, size, after);
            QVERIFY(after < 200 || size - at < size / 2000 * (2001 - std::min<int64_t>(after, 2000)) + 3 * 65536); // not from the beginning
        }
        close(fd);
        QCOMPARE(newestEvent(path, nullptr)->seq, int64_t{2000});
    }

    void goesThroughRotatedFilesOnce()
    {
        QTemporaryDir dir;
        const std::string path = write(dir, 900);
        const QByteArray all = contents(path);
        put(path + ".2", lines(all, 1, 300));
        put(path + ".1", lines(all, 301, 600));
        put(path, lines(all, 590, 900)); // begins with what the one before ended with
        for (const int64_t after : {0, 150, 300, 450, 595, 600, 899})
            QCOMPARE(seqs(path, after), range(after + 1, 900));
        put(path, {});
        QCOMPARE(newestEvent(path, nullptr)->seq, int64_t{600});
        QCOMPARE(seqs(path, 500), range(501, 600));
    }

    // As logrotate names them: create or copytruncate, dateext with and without a time, compress.
    void findsFilesOfEveryName()
    {
        for (const auto &[name, packs] : {std::pair{".1", false}, {".2", true}, {"-20261130", false}, {"-20261130", true}, {"-20261130-1764500000", false},
                                          {"-20261130-1764500000", true}, {".20261125T143000Z-300", true}}) {
            QTemporaryDir dir;
            const std::string path = write(dir, 600);
            const QByteArray all = contents(path);
            put(path + name, lines(all, 1, 300));
            put(path, lines(all, 301, 600));
            QVERIFY(!packs || packFile(path + name, 0600, nullptr));
            QCOMPARE(seqs(path, 0), range(1, 600));
            QVERIFY(logSet(path, nullptr).unreadable.empty());
        }
    }

    void namesWhatCannotBeRead()
    {
        const KeyRing keys = KeyRing::create({Secret(std::string(32, 'k')), "environment"});
        for (const auto &[name, why] : {std::pair{"-20261130.xz", "gzip"}, {".1.gz.enc", "damaged"}, {".1.gz", "damaged"}}) {
            QTemporaryDir dir;
            const std::string path = write(dir, 600);
            const QByteArray all = contents(path);
            put(path, lines(all, 301, 600));
            put(path + name, QByteArray("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10) + QByteArray(500, '\xff'));
            put(path + ".notes", "not a log");
            const LogSet set = logSet(path, &keys);
            QCOMPARE(set.files.size(), size_t{1});
            QCOMPARE(set.unreadable.size(), size_t{1});
            QCOMPARE(set.unreadable.front().file, path + name);
            QVERIFY2(set.unreadable.front().why.find(why) != std::string::npos, set.unreadable.front().why.c_str());
        }
    }

    // It reads like one that ends there.
    void namesACompressedFileThatWasCutOff()
    {
        QTemporaryDir dir;
        const std::string path = write(dir, 900);
        const QByteArray all = contents(path);
        put(path + ".1", lines(all, 1, 600));
        QVERIFY(packFile(path + ".1", 0600, nullptr));
        const QByteArray packed = contents(path + ".1.gz");
        put(path + ".1.gz", packed.first(packed.size() / 2));
        put(path, lines(all, 601, 900));
        LogStream stream(path, nullptr, 0);
        int64_t last = 0;
        while (const auto event = stream.next())
            last = event->seq;
        QVERIFY(last > 0 && last < 600);
        QVERIFY(stream.problem());
        QCOMPARE(stream.problem()->text(), "'" + path + ".1.gz' cannot be read: its end is missing.");
        stream.passOver();
        QCOMPARE(stream.next()->seq, int64_t{601});
    }

    void passesOverWhatIsNoEvent()
    {
        QTemporaryDir dir;
        const std::string path = write(dir, 400);
        const QByteArray all = contents(path);
        put(path, lines(all, 1, 200) + QByteArray(100'000, 'x') + "\n{}\n" + lines(all, 201, 400) + "{\"half");
        QCOMPARE(seqs(path, 0), range(1, 400));
        QCOMPARE(seqs(path, 390), range(391, 400));
        QCOMPARE(newestEvent(path, nullptr)->seq, int64_t{400});
    }
};

REGISTER_TEST(TstLogStream)
#include "tst_log_stream.moc"
