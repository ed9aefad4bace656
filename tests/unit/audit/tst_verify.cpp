// SPDX-License-Identifier: GPL-3.0-only
// A log as AuditLog writes it, spoilt in every way that leaves lines: each must be found, with its seq.
#include "audit/audit_log.h"
#include "audit/log_set.h"
#include "audit/verify.h"
#include "log_lines.h"
#include "test_registry.h"

#include <QFile>
#include <QTemporaryDir>
#include <future>

using namespace llmproxy;

namespace {

struct Log
{
    explicit Log(int events)
    {
        AuditConfig config;
        config.file = file;
        config.storeInDb = false;
        config.checkpointKey = key;
        AuditLog log(config);
        if (log.start(nullptr))
            qFatal("the log cannot be started");
        for (int i = 0; i < events; ++i) {
            AuditEvent event(Action::TokenAccess, "client", "success");
            event.detail("endpoint", "/v1/models").detail("status", int64_t{200 + i % 3});
            const bool isLast = i + 1 == events || i % 500 == 499; // of a batch: a checkpoint stands behind one
            std::promise<void> done;
            log.record(event, isLast ? [&done](bool) { done.set_value(); } : AuditLog::Written());
            if (isLast)
                done.get_future().wait();
        }
        log.stop();
        lines = linesOf(file);
        keys.add(key->publicPem());
    }

    VerifyReport verify(const std::vector<std::string> &of) const
    {
        ChainVerifier verifier(&keys);
        verifier.beginFile();
        for (const std::string &line : of)
            verifier.line(line);
        return verifier.finish();
    }

    QTemporaryDir dir;
    std::string file = dir.filePath(QStringLiteral("audit.log")).toStdString();
    std::shared_ptr<const CheckpointKey> key = std::make_shared<const CheckpointKey>(CheckpointKey::create());
    CheckpointKeys keys;
    std::vector<std::string> lines;
};

// As somebody would who can write the file: every hash from there on anew.
void rechain(std::vector<std::string> &lines, size_t from)
{
    Sha256Hex hasher;
    for (size_t at = from; at < lines.size(); ++at) {
        std::string prev(at == 0 ? firstPrev : readChainedLine(lines[at - 1])->hash);
        std::string covered(readChainedLine(lines[at])->covered);
        covered.replace(covered.size() - 65, 64, prev);
        lines[at] = covered + ",\"hash\":\"" + hasher.hash(covered) + "\"}";
    }
}

} // namespace

class TstVerify : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void whatWasWrittenIsGood()
    {
        const Log log(2500);
        const VerifyReport report = log.verify(log.lines);
        QVERIFY2(report.isGood(), report.problems.empty() ? "" : report.problems.front().message.c_str());
        QCOMPARE(report.firstSeq, int64_t{1});
        QCOMPARE(report.events, static_cast<int64_t>(log.lines.size()));
        QVERIFY(report.checkpoints >= 2); // of its own accord, and one at the end
        QCOMPARE(report.signedToSeq, report.lastSeq - 1);
    }

    void spoilt_data()
    {
        QTest::addColumn<QString>("how_");
        QTest::addColumn<QString>("kind");
        QTest::addColumn<qint64>("seq");
        QTest::newRow("a byte changed") << QStringLiteral("byte") << QStringLiteral("changed") << qint64{10};
        QTest::newRow("changed, and its hash with it") << QStringLiteral("rehash") << QStringLiteral("changed") << qint64{11};
        QTest::newRow("changed, and all hashes from there on") << QStringLiteral("rechain") << QStringLiteral("changed") << qint64{0};
        QTest::newRow("a line removed") << QStringLiteral("remove") << QStringLiteral("missing") << qint64{10};
        QTest::newRow("three lines removed") << QStringLiteral("remove3") << QStringLiteral("missing") << qint64{10};
        QTest::newRow("two lines changed places") << QStringLiteral("swap") << QStringLiteral("missing") << qint64{10};
        QTest::newRow("a line twice") << QStringLiteral("twice") << QStringLiteral("reordered") << qint64{10};
        QTest::newRow("the beginning cut off") << QStringLiteral("head") << QStringLiteral("cut") << qint64{1};
        QTest::newRow("a line that is no event") << QStringLiteral("rubbish") << QStringLiteral("unreadable") << qint64{10};
        QTest::newRow("a checkpoint's signature changed") << QStringLiteral("signature") << QStringLiteral("signature") << qint64{0};
    }

    void spoilt()
    {
        QFETCH(QString, how_);
        const std::string how = how_.toStdString();
        QFETCH(QString, kind);
        QFETCH(qint64, seq);
        const Log log(50);
        std::vector<std::string> lines = log.lines;
        const auto tenth = lines.begin() + 9;
        if (how == "byte") {
            (*tenth)[tenth->find("/v1/models") + 1] = 'x';
        } else if (how == "rehash" || how == "rechain") {
            (*tenth)[tenth->find("/v1/models") + 1] = 'x';
            const std::string covered(readChainedLine(*tenth)->covered);
            *tenth = covered + ",\"hash\":\"" + Sha256Hex().hash(covered) + "\"}";
            if (how == "rechain")
                rechain(lines, 10);
        } else if (how == "remove") {
            lines.erase(tenth);
        } else if (how == "remove3") {
            lines.erase(tenth, tenth + 3);
        } else if (how == "swap") {
            std::iter_swap(tenth, tenth + 1);
        } else if (how == "twice") {
            lines.insert(tenth, *tenth);
        } else if (how == "head") {
            lines.erase(lines.begin(), tenth);
        } else if (how == "rubbish") {
            lines.insert(tenth, "{\"rubbish\":true}");
        } else {
            std::string &last = lines.back();
            char &c = last[last.find("\"signature\":\"") + 20];
            c = c == 'A' ? 'B' : 'A';
            rechain(lines, lines.size() - 1);
        }
        const VerifyReport report = log.verify(lines);
        QVERIFY(!report.isGood());
        QCOMPARE(QString::fromStdString(report.problems.front().kind), kind);
        if (seq > 0)
            QCOMPARE(report.problems.front().seq, int64_t{seq});
    }

    // The rest still verifies: one problem for one change.
    void oneChangeIsOneProblem()
    {
        const Log log(50);
        std::vector<std::string> lines = log.lines;
        lines.erase(lines.begin() + 9, lines.begin() + 19);
        const VerifyReport report = log.verify(lines);
        QCOMPARE(report.problemCount, int64_t{1});
        QVERIFY(report.problems.front().message.find("10 to 19") != std::string::npos);
    }

    // A log whose every line was edited is one sentence, and so is one whose every hash was made again.
    void manyChangesInARowAreOneProblem()
    {
        const Log log(50);
        std::vector<std::string> lines = log.lines;
        for (size_t at = 9; at < 30; ++at)
            lines[at][lines[at].find("/v1/models") + 1] = 'x';
        const VerifyReport edited = log.verify(lines);
        QCOMPARE(edited.problemCount, int64_t{1});
        QVERIFY(edited.problems.front().message.find("10 to 30") != std::string::npos);
        QCOMPARE(edited.problems.front().toSeq, int64_t{30});
        lines[40][lines[40].find("/v1/models") + 1] = 'x';
        const VerifyReport twice = log.verify(lines);
        QCOMPARE(twice.problemCount, int64_t{2}); // what lies between is whole
        QCOMPARE(twice.problems.back().seq, int64_t{41});
        for (size_t at = 9; at < 30; ++at) {
            const std::string covered(readChainedLine(lines[at])->covered);
            lines[at] = covered + ",\"hash\":\"" + Sha256Hex().hash(covered) + "\"}";
        }
        lines.resize(35);
        const VerifyReport hashed = log.verify(lines);
        QCOMPARE(hashed.problemCount, int64_t{1});
        QVERIFY(hashed.problems.front().message.find("11 to 31 do not follow") != std::string::npos);
    }

    void aTailWithoutCheckpointIsNotSigned()
    {
        const Log log(50);
        std::vector<std::string> lines = log.lines;
        lines.pop_back(); // the checkpoint at the end
        const VerifyReport report = log.verify(lines);
        QVERIFY(report.isGood()); // found only beside the table, or an anchor
        QVERIFY(report.signedToSeq < report.lastSeq);
    }

    void aLogThatBeginsWithACheckpointNeedsNothingBefore()
    {
        const Log log(1500);
        std::vector<std::string> lines = log.lines;
        const auto checkpoint = std::find_if(lines.begin(), lines.end(), [](const std::string &line) { return line.find("audit.checkpoint") != line.npos; });
        QVERIFY(checkpoint != lines.end() && checkpoint != lines.end() - 1);
        lines.erase(lines.begin(), checkpoint);
        QVERIFY(log.verify(lines).isGood());
    }

    void repeatsAtTheBeginningOfAFileAreTaken()
    {
        const Log log(50);
        ChainVerifier verifier(&log.keys);
        verifier.beginFile();
        for (size_t at = 0; at < 30; ++at)
            verifier.line(log.lines[at]);
        verifier.beginFile();
        for (size_t at = 20; at < log.lines.size(); ++at)
            verifier.line(log.lines[at]);
        QVERIFY(verifier.finish().isGood());
    }

    // A file that has no line ends is read in pieces, not into memory.
    void aFileWithoutLines()
    {
        const QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("audit.log")).toStdString();
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(QByteArray(5 << 20, 'x'));
        file.close();
        size_t longest = 0;
        QVERIFY(visitLines(path, [&longest](std::string_view line) {
            longest = std::max(longest, line.size());
            return true;
        }));
        QVERIFY(longest > 0 && longest < (2 << 20));
        QVERIFY(logSet(path, nullptr).files.empty());
    }

    void anotherKeySigns()
    {
        const Log log(50);
        CheckpointKeys others;
        QVERIFY(others.add(CheckpointKey::create().publicPem()));
        QVERIFY(!others.add("no key"));
        ChainVerifier verifier(&others);
        for (const std::string &line : log.lines)
            verifier.line(line);
        QCOMPARE(QString::fromStdString(verifier.finish().problems.front().kind), QStringLiteral("signature"));
    }
};

REGISTER_TEST(TstVerify)
#include "tst_verify.moc"
