// SPDX-License-Identifier: GPL-3.0-only
// A rotation by others that the machine has no room for, and one behind a link: neither is anybody's deed, and no line is lost.
#include "audit/audit_log.h"
#include "audit/log_file.h"
#include "audit/log_set.h"
#include "audit/log_stream.h"
#include "audit/rotation.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "log_lines.h"
#include "test_registry.h"

#include <QFile>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

#include <atomic>
#include <future>
#include <sys/resource.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

// A full disk, for the files of this process.
class NoRoom
{
public:
    NoRoom()
    {
        getrlimit(RLIMIT_FSIZE, &m_before);
        rlimit none = m_before;
        none.rlim_cur = 20;
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~NoRoom() { setrlimit(RLIMIT_FSIZE, &m_before); }

private:
    rlimit m_before{};
};

class FileLog
{
public:
    explicit FileLog(std::string path)
    {
        m_config.file = std::move(path);
        m_config.storeInDb = false;
        m_config.found = [this](const AuditFinding &) { ++found; };
        log = std::make_unique<AuditLog>(m_config);
        isStarted = !log->start(nullptr);
    }
    bool record()
    {
        std::promise<bool> done;
        log->record(AuditEvent(Action::TokenAccess, "client", "success"), [&](bool ok) { done.set_value(ok); });
        return done.get_future().get();
    }

    std::unique_ptr<AuditLog> log;
    std::atomic<int> found{0};
    bool isStarted = false;

private:
    AuditConfig m_config;
};

std::vector<int64_t> seqsOf(const std::string &path)
{
    std::vector<int64_t> seqs;
    LogStream stream(path, nullptr, 0);
    while (const auto event = stream.next())
        seqs.push_back(event->seq);
    return seqs;
}

} // namespace

class TstLogFile : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aRotationThatHasNoRoomIsNoAlert()
    {
        const QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString();
        FileLog of(path);
        QVERIFY(of.isStarted && of.record());
        QCOMPARE(rename(path.c_str(), (path + ".1").c_str()), 0);
        std::string trouble;
        {
            const NoRoom full;
            of.log->reopen();
            trouble = of.log->fileTrouble();
        }
        QVERIFY2(trouble.find("File too large") != std::string::npos, trouble.c_str());
        QCOMPARE(QFileInfo(QString::fromStdString(path)).size(), qint64{0});
        of.log->reopen();
        QVERIFY(of.record());
        QCOMPARE(of.log->fileTrouble(), std::string());
        QCOMPARE(of.found.load(), 0);
        of.log->stop();
        QCOMPARE(linesOf(path).size(), size_t{2}); // begins with what the old one ended with
        QCOMPARE(seqsOf(path), (std::vector<int64_t>{1, 2}));
    }

    // What the copy may have missed is not written again now; it is later.
    void aTruncationThatHasNoRoomRepeatsLater()
    {
        const QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString();
        FileLog of(path);
        QVERIFY(of.isStarted && of.record());
        QVERIFY(QFile::copy(QString::fromStdString(path), QString::fromStdString(path + "-20261130")));
        QCOMPARE(truncate(path.c_str(), 0), 0);
        {
            const NoRoom full;
            of.log->reopen();
        }
        QVERIFY(of.record());
        of.log->stop();
        QCOMPARE(linesOf(path).size(), size_t{2});
        QCOMPARE(of.found.load(), 0);
    }

    void whatALinkLeadsToMayBeRotated()
    {
        for (const bool creates : {true, false}) {
            const QTemporaryDir dir, elsewhere;
            const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString(), target = elsewhere.filePath(QStringLiteral("real.log")).toStdString();
            QCOMPARE(symlink(target.c_str(), path.c_str()), 0);
            FileLog of(path);
            QVERIFY(of.isStarted && of.record());
            QCOMPARE(rename(target.c_str(), (target + "-20261130").c_str()), 0);
            if (creates)
                QVERIFY(QFile(QString::fromStdString(target)).open(QIODevice::WriteOnly));
            of.log->reopen();
            QCOMPARE(of.log->fileTrouble(), std::string());
            QVERIFY(of.record());
            of.log->stop();
            QCOMPARE(of.found.load(), 0);
            QVERIFY(QFileInfo(QString::fromStdString(path)).isSymLink());
            QCOMPARE(linesOf(target).size(), size_t{2});
            QCOMPARE(seqsOf(path), (std::vector<int64_t>{1, 2}));
            QCOMPARE(logSet(path, nullptr).files.size(), size_t{2});
        }
    }

    void aLinkStaysWhenWeRotate()
    {
        const QTemporaryDir dir, elsewhere;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString(), target = elsewhere.filePath(QStringLiteral("real.log")).toStdString();
        QCOMPARE(symlink(target.c_str(), path.c_str()), 0);
        AuditLogFile file(path, 0600);
        QVERIFY(!file.open(false).has_value());
        QVERIFY(file.append("{}\n"));
        QVERIFY(file.rotate(rotatedName(path, Clock::wallMs(), 1)));
        QVERIFY(QFileInfo(QString::fromStdString(path)).isSymLink());
        const auto rotated = rotatedFiles(path);
        QCOMPARE(rotated.size(), size_t{1});
        QVERIFY(rotated.front().path.starts_with(target));
        QCOMPARE(linesOf(rotated.front().path).size(), size_t{1});
    }

    // Only the beginning of one event is removed: whatever else has no line end gets one, and stays for a verification to name.
    void whatStandsBehindTheLastLine_data()
    {
        QTest::addColumn<QByteArray>("behind");
        QTest::addColumn<bool>("isRemoved");
        const QByteArray half = "{\"timestamp\":\"2026-11-30T10:0";
        QTest::newRow("nothing but zeros") << QByteArray(9000, '\0') << true;
        QTest::newRow("a brace") << QByteArray("{") << true;
        QTest::newRow("half an event") << half << true;
        QTest::newRow("half an event, long") << half + QByteArray(400'000, 'x') << true;
        QTest::newRow("half an event, and zeros") << half + QByteArray(4096, '\0') << true;
        QTest::newRow("something else") << QByteArray("x") << false;
        QTest::newRow("zeros, and something else") << QByteArray(100, '\0') + "x" << false;
        QTest::newRow("two events") << half + half << false;
        QTest::newRow("longer than any event") << half + QByteArray(1'100'000, 'x') << false;
    }
    void whatStandsBehindTheLastLine()
    {
        QFETCH(QByteArray, behind);
        QFETCH(bool, isRemoved);
        const QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString();
        {
            FileLog of(path);
            QVERIFY(of.isStarted && of.record() && of.record());
        }
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::ReadWrite | QIODevice::Append));
        const qint64 whole = file.size();
        file.write(behind);
        file.close();
        FileLog again(path);
        QVERIFY(again.isStarted && again.log->recovered());
        QCOMPARE(again.log->foundAtStart().size(), size_t{1});
        QCOMPARE(again.log->foundAtStart().front().seq, int64_t{3});
        QCOMPARE(QFileInfo(QString::fromStdString(path)).size(), isRemoved ? whole : whole + behind.size() + 1);
        QVERIFY(again.record());
        again.log->stop();
        QCOMPARE(linesOf(path).size(), size_t{isRemoved ? 3U : 4U});
        QCOMPARE(linesOf(path).back().find("\"seq\":3,") != std::string::npos, true);
    }

    // Somebody's editor took the last line end away: the event is not lost with it.
    void theLastLineEndIsPutBack()
    {
        const QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString();
        {
            FileLog of(path);
            QVERIFY(of.isStarted && of.record() && of.record());
        }
        QVERIFY(QFile::resize(QString::fromStdString(path), QFileInfo(QString::fromStdString(path)).size() - 1));
        FileLog again(path);
        QVERIFY(again.isStarted && again.record());
        again.log->stop();
        QCOMPARE(seqsOf(path), (std::vector<int64_t>{1, 2, 3}));
    }

    void anotherLinkIsSomethingElse()
    {
        const QTemporaryDir dir, elsewhere;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString();
        const std::string first = elsewhere.filePath(QStringLiteral("first")).toStdString(), second = elsewhere.filePath(QStringLiteral("second")).toStdString();
        for (const bool wasLink : {true, false}) {
            QCOMPARE(wasLink ? symlink(first.c_str(), path.c_str()) : 0, 0);
            AuditLogFile file(path, 0600);
            QVERIFY(!file.open(false).has_value());
            QVERIFY(file.place() == AuditLogFile::Place::Same);
            QCOMPARE(unlink(path.c_str()), 0);
            QCOMPARE(symlink(second.c_str(), path.c_str()), 0);
            QVERIFY(file.place() == AuditLogFile::Place::Taken);
            QCOMPARE(unlink(path.c_str()), 0);
        }
    }
};

REGISTER_TEST(TstLogFile)
#include "tst_log_file.moc"
