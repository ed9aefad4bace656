// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/log_output.h"
#include "base/log_sink.h"

#include <QDir>
#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llmproxy;

class TstLog : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aReaderThatStopsHoldsNobodyUp();
    void whatWasDroppedIsSaidWhenThereIsRoom();
    void anEndWaitsASecondForThePipe();
    void theLastWordsAreWrittenOrGoToStderr();
    void aFileThatWasMovedIsLeft_data();
    void aFileThatWasMovedIsLeft();
    void whatIsNoLogOfOursIsNotWrittenInto_data();
    void whatIsNoLogOfOursIsNotWrittenInto();
    void itRotatesAtItsSize();
    void oldBackupsAreRemoved();
};

namespace {

// A pipe in the place of stdout, full from the beginning.
class FullStdout
{
public:
    FullStdout()
    {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0)
            qFatal("no pipe");
        m_reader = ends[0];
        fcntl(ends[1], F_SETPIPE_SZ, 4096);
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        while (write(ends[1], "x", 1) == 1) { }
        fcntl(ends[1], F_SETFL, 0);
        m_before = dup(STDOUT_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[1]);
    }
    // The reading end stays open: a thread may be in write(2) for as long as the process lives.
    ~FullStdout()
    {
        dup2(m_before, STDOUT_FILENO);
        close(m_before);
    }
    // Reads until the text has come, for at most ten seconds.
    std::string readUntil(const std::string &end) const
    {
        std::string all;
        pollfd one{m_reader, POLLIN, 0};
        std::array<char, 65536> bytes{};
        while (all.find(end) == std::string::npos && poll(&one, 1, 10'000) == 1) {
            const ssize_t got = read(m_reader, bytes.data(), bytes.size());
            all.append(bytes.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
        }
        return all;
    }

private:
    int m_reader = -1, m_before = -1;
};

std::string logText(const QString &path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string();
}

void writeText(const QString &path, const char *text)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
}

LogTarget targetAt(const QString &path)
{
    LogTarget target;
    target.file = path.toStdString();
    return target;
}

constexpr char lineOfOurs[] = R"({"time":"2026-01-01T00:00:00.000Z","level":"info","message":"a"})" "\n";

} // namespace

void TstLog::aReaderThatStopsHoldsNobodyUp()
{
    LogSink *const sink = new LogSink; // its thread never comes back from write(2)
    std::string problem;
    FullStdout full;
    sink->open(targetAt(QStringLiteral("/dev/stdout")), &problem);
    sink->start();
    QElapsedTimer clock;
    clock.start();
    for (int i = 0; i < 50'000; ++i)
        sink->put(std::string(100, 'a') + "\n");
    QVERIFY2(clock.elapsed() < 5'000, qPrintable(QString::number(clock.elapsed())));
    QVERIFY(sink->dropped() > 30'000);
    QVERIFY(sink->dropped() < 50'000);
    sink->reopen(); // SIGHUP does not wait either
    sink->stop();
    QVERIFY(clock.elapsed() < 10'000);
}

void TstLog::whatWasDroppedIsSaidWhenThereIsRoom()
{
    static LogSink sink;
    std::string problem;
    FullStdout full;
    sink.open(targetAt(QStringLiteral("/dev/stdout")), &problem);
    sink.start();
    for (int i = 0; i < 20'000; ++i)
        sink.put(std::string(100, 'a') + "\n");
    const uint64_t dropped = sink.dropped();
    QVERIFY(dropped > 0);
    const std::string all = full.readUntil("\"lines\"");
    QVERIFY(all.find("log lines were dropped") != std::string::npos);
    const std::string more = all + full.readUntil("}");
    QVERIFY2(more.find("\"lines\":\"" + std::to_string(dropped) + "\"") != std::string::npos, more.substr(more.size() - std::min<size_t>(more.size(), 300)).c_str());
    QCOMPARE(static_cast<uint64_t>(std::count(more.begin(), more.end(), '\n')) >= 20'000 - dropped, true);
    sink.put("after\n");
    full.readUntil("after");
    sink.stop();
}

void TstLog::anEndWaitsASecondForThePipe()
{
    LogSink *const sink = new LogSink;
    std::string problem;
    FullStdout full;
    sink->open(targetAt(QStringLiteral("/dev/stdout")), &problem);
    sink->start();
    sink->put("one\n");
    QElapsedTimer clock;
    clock.start();
    sink->stop();
    QVERIFY(clock.elapsed() >= 900);
    QVERIFY(clock.elapsed() < 5'000);
    sink->put("nobody waits for this one\n");
    QVERIFY(clock.elapsed() < 5'000);
    QCOMPARE(sink->dropped(), uint64_t{1});
}

void TstLog::theLastWordsAreWrittenOrGoToStderr()
{
    QTemporaryDir folder;
    static LogSink sink;
    std::string problem;
    QVERIFY(sink.open(targetAt(folder.filePath(QStringLiteral("log"))), &problem));
    sink.start();
    for (int i = 0; i < 1'000; ++i)
        sink.put("a line\n");
    sink.putLast("the end\n");
    QVERIFY(logText(folder.filePath(QStringLiteral("log"))).ends_with("a line\nthe end\n"));
    sink.stop();
    sink.put("directly\n");
    QVERIFY(logText(folder.filePath(QStringLiteral("log"))).ends_with("the end\ndirectly\n"));
}

void TstLog::aFileThatWasMovedIsLeft_data()
{
    QTest::addColumn<QString>("how");
    for (const char *how : {"renamed", "renamed and created", "removed", "truncated", "renamed and written by another of ours"})
        QTest::newRow(how) << QString::fromLatin1(how);
}

void TstLog::aFileThatWasMovedIsLeft()
{
    QFETCH(QString, how);
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("log"));
    LogOutput output;
    std::string problem;
    QVERIFY(output.open(targetAt(path), &problem));
    QVERIFY(output.write("first\n"));
    if (how.startsWith(QLatin1String("renamed")))
        QVERIFY(QFile::rename(path, path + QStringLiteral(".1")));
    if (how == QLatin1String("removed"))
        QVERIFY(QFile::remove(path));
    if (how.endsWith(QLatin1String("created")))
        writeText(path, "");
    if (how.endsWith(QLatin1String("of ours")))
        writeText(path, lineOfOurs);
    if (how == QLatin1String("truncated"))
        QCOMPARE(::truncate(path.toUtf8().constData(), 0), 0);
    QCOMPARE(output.look(), std::string());
    QVERIFY(output.write("second\n"));
    QVERIFY(logText(path).ends_with("second\n"));
    QVERIFY(logText(path).find("first") == std::string::npos);
    if (how.startsWith(QLatin1String("renamed")))
        QCOMPARE(logText(path + QStringLiteral(".1")), std::string("first\n"));
}

void TstLog::whatIsNoLogOfOursIsNotWrittenInto_data()
{
    QTest::addColumn<QString>("what");
    for (const char *what : {"a text", "a folder", "a device", "a pipe", "a link to a text", "a link to a log"})
        QTest::newRow(what) << QString::fromLatin1(what);
}

void TstLog::whatIsNoLogOfOursIsNotWrittenInto()
{
    QFETCH(QString, what);
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("log"));
    const QString text = folder.filePath(QStringLiteral("text"));
    LogOutput output;
    std::string problem;
    QVERIFY(output.open(targetAt(path), &problem));
    QVERIFY(output.write(lineOfOurs));
    QVERIFY(QFile::rename(path, path + QStringLiteral(".1")));
    writeText(text, "Dear diary,\n");
    const QByteArray name = path.toUtf8();
    if (what == QLatin1String("a text"))
        writeText(path, "Dear diary,\n");
    else if (what == QLatin1String("a folder"))
        QVERIFY(QDir().mkdir(path));
    else if (what == QLatin1String("a device"))
        if (mknod(name.constData(), S_IFCHR | 0666, 1 << 8 | 3) != 0)
            QSKIP("only root makes devices");
    if (what == QLatin1String("a pipe"))
        QCOMPARE(mkfifo(name.constData(), 0600), 0);
    if (what.startsWith(QLatin1String("a link")))
        QVERIFY(QFile::link(text, path));
    if (what == QLatin1String("a link to a log"))
        writeText(text, lineOfOurs);
    const std::string linked = logText(text);
    struct stat before{}, after{};
    QCOMPARE(::stat(name.constData(), &before), 0);
    QVERIFY(!output.look().empty());
    QVERIFY(output.look().empty()); // said once
    QVERIFY(output.write("goes on\n"));
    QCOMPARE(logText(path + QStringLiteral(".1")), std::string(lineOfOurs) + "goes on\n");
    QCOMPARE(logText(text), linked);
    QCOMPARE(::stat(name.constData(), &after), 0);
    QCOMPARE(after.st_mode, before.st_mode);
    QCOMPARE(after.st_size, before.st_size);
    LogOutput fresh; // nor at a start, but for a link of ours to a log of ours, and a FIFO of ours
    const bool isUsed = what == QLatin1String("a link to a log") || what == QLatin1String("a pipe");
    QCOMPARE(fresh.open(targetAt(path), &problem), isUsed);
    QCOMPARE(problem.empty(), isUsed);
}

void TstLog::itRotatesAtItsSize()
{
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("log"));
    LogTarget target = targetAt(path);
    target.maxBytes = 100;
    target.backups = 2;
    LogOutput output;
    std::string problem;
    QVERIFY(output.open(target, &problem));
    for (const char c : {'a', 'b', 'c', 'd'})
        QVERIFY(output.write(std::string(80, c) + "\n"));
    QCOMPARE(logText(path), std::string(80, 'd') + "\n");
    QCOMPARE(logText(path + QStringLiteral(".1")), std::string(80, 'c') + "\n");
    QCOMPARE(logText(path + QStringLiteral(".2")), std::string(80, 'b') + "\n");
    QVERIFY(!QFile::exists(path + QStringLiteral(".3")));
    // Somebody else moved it away: the older ones are not pushed on.
    QVERIFY(QFile::rename(path, path + QStringLiteral(".moved")));
    QVERIFY(output.write(std::string(80, 'e') + "\n"));
    QCOMPARE(logText(path), std::string(80, 'e') + "\n");
    QCOMPARE(logText(path + QStringLiteral(".1")), std::string(80, 'c') + "\n");
}

void TstLog::oldBackupsAreRemoved()
{
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("log"));
    const auto leave = [&](const char *suffix, int64_t ageMs) {
        const QString backup = path + QLatin1String(suffix);
        writeText(backup, "a\n");
        const timespec then{static_cast<time_t>((Clock::wallMs() - ageMs) / secondMs), 0};
        const timespec times[2] = {then, then};
        QCOMPARE(utimensat(AT_FDCWD, backup.toUtf8().constData(), times, 0), 0);
    };
    leave(".1", hourMs);
    leave(".2", 3 * hourMs);
    leave(".moved", 3 * hourMs);
    LogTarget target = targetAt(path);
    LogOutput output;
    std::string problem;
    QVERIFY(output.open(target, &problem));
    output.look();
    QVERIFY(QFile::exists(path + QStringLiteral(".2"))); // 0: they are kept
    target.maxAgeMs = 2 * hourMs;
    QVERIFY(output.open(target, &problem));
    output.look();
    QVERIFY(!QFile::exists(path + QStringLiteral(".2")));
    QVERIFY(QFile::exists(path + QStringLiteral(".1")) && QFile::exists(path + QStringLiteral(".moved")) && QFile::exists(path));
    Clock::advanceForTest(90 * minuteMs); // while it runs
    output.look();
    Clock::advanceForTest(-90 * minuteMs);
    QVERIFY(!QFile::exists(path + QStringLiteral(".1")));
}

REGISTER_TEST(TstLog)
#include "tst_log.moc"
