// SPDX-License-Identifier: GPL-3.0-only
// The line's bytes, the chain, the file's repair, and what happens when it cannot be written.
#include "audit/audit_log.h"
#include "audit/log_file.h"
#include "base/clock.h"
#include "test_registry.h"

#include <QCryptographicHash>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>

#include <atomic>
#include <future>
#include <mutex>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llmproxy;

namespace {

// A table that answers at once, or not at all.
class MemoryTable final : public AuditTable
{
public:
    void follow(const std::string &, const KeyRing *, int64_t to, const std::string &) override { newest = to; }
    void append(std::vector<AuditEvent> more, std::function<void(bool)> stored) override
    {
        {
            const std::lock_guard guard(lock);
            if (good)
                rows.insert(rows.end(), more.begin(), more.end());
        }
        if (stored)
            stored(good);
    }
    bool waitForRoom() override { return hasRoom; }
    int64_t rowsTo(std::string *hash) override
    {
        ++asked;
        const std::lock_guard guard(lock);
        if (rows.empty())
            return 0;
        *hash = rows.back().hash;
        return rows.back().seq;
    }
    Result<TableStart> startOf(const std::string &) override
    {
        TableStart start;
        start.rowsTo = rowsTo(&start.rowsToHash);
        start.lastChangeSeq = changeSeq;
        start.lastStartSeq = startSeq;
        start.keepsOldMs = keepsOldMs;
        start.restoredFrom = restoredFrom;
        return start;
    }
    Outcome noteRestored(int64_t fromSeq) override
    {
        restoredFrom = fromSeq;
        return {};
    }
    Outcome noteKeepsOld(int64_t ms) override
    {
        keepsOldMs = ms;
        return {};
    }
    bool linesAfter(int64_t seq, const std::function<bool(const std::string &)> &line) override
    {
        for (const AuditEvent &row : rows) {
            if (row.seq > seq && !line(auditLine(row)))
                break;
        }
        return true;
    }
    bool isWorking() const override { return good; }
    std::mutex lock;
    std::vector<AuditEvent> rows;
    int64_t changeSeq = 0, startSeq = INT64_MAX, newest = -1;
    int64_t restoredFrom = 0;
    std::atomic<int64_t> keepsOldMs{0};
    std::atomic<bool> good{true};
    bool hasRoom = true;
    std::atomic<int> asked{0}; // how far it is, since the start
};

// The failing disk: a limit on the size of files stands for a full one.
class FileSizeLimit
{
public:
    explicit FileSizeLimit(rlim_t bytes)
    {
        getrlimit(RLIMIT_FSIZE, &m_before);
        rlimit limit = m_before;
        limit.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &m_before); }
    FileSizeLimit(const FileSizeLimit &) = delete;
    FileSizeLimit &operator=(const FileSizeLimit &) = delete;

private:
    rlimit m_before{};
};

bool recordAndWait(AuditLog &log, AuditEvent event)
{
    std::promise<bool> done;
    log.record(std::move(event), [&](bool ok) { done.set_value(ok); });
    return done.get_future().get();
}

QList<QByteArray> bytesOfLines(const std::string &path)
{
    QFile file(QString::fromStdString(path));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QList<QByteArray> lines = file.readAll().split('\n');
    lines.removeLast();
    return lines;
}

AuditEvent sample()
{
    AuditEvent event(Action::TokenCreate, "management", "success");
    event.timestampMs = 1'701'424'800'123;
    event.projectId = "proj-123";
    event.clientIp = "192.168.1.100";
    event.detail("http_method", "POST").detail("endpoint", "/manage/tokens").detail("duration_minutes", int64_t{60});
    event.detail("token_id", "tok-1234****cdef");
    return event;
}

AuditConfig configIn(const QTemporaryDir &dir)
{
    AuditConfig config;
    config.file = dir.path().toStdString() + "/audit.log";
    return config;
}

AuditEvent access()
{
    return AuditEvent(Action::TokenAccess, "token", "success");
}

// Each row in the file, once and in order, and nothing else.
bool hasSameLines(const std::string &path, const MemoryTable &table)
{
    const auto lines = bytesOfLines(path);
    return lines.size() == static_cast<qsizetype>(table.rows.size())
        && std::equal(lines.begin(), lines.end(), table.rows.begin(), [](const QByteArray &line, const AuditEvent &row) { return line.toStdString() == auditLine(row); });
}

} // namespace

class TstAuditLog : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void lineIsTheOneOfTheContract()
    {
        QCOMPARE(auditLine(sample()),
                 std::string(R"({"timestamp":"2023-12-01T10:00:00.123Z","action":"token.create","actor":"management","project_id":"proj-123",)"
                             R"("client_ip":"192.168.1.100","result":"success","details":{"http_method":"POST","endpoint":"/manage/tokens",)"
                             R"("duration_minutes":60,"token_id":"tok-1234****cdef"}})"));
    }

    void textsAreEscapedOrReplaced()
    {
        AuditEvent event(EventAction::named("a.b"), "client", "denied");
        event.timestampMs = 1;
        event.detail("endpoint", std::string("/\xc3\xa4\x01\"\\\n\xff/"));
        const std::string line = auditLine(event);
        QVERIFY(line.find("/\xc3\xa4\\u0001\\\"\\\\\\n\xef\xbf\xbd/") != std::string::npos);
        QVERIFY(QJsonDocument::fromJson(QByteArray::fromStdString(line)).isObject());
    }

    void modelAndUserAgentAreReduced()
    {
        AuditEvent event(Action::TokenAccess, "client", "success");
        event.model("gpt-4o-mini").userAgent(std::string(300, 'a'));
        QCOMPARE(std::get<std::string>(*event.find("user_agent")).size(), size_t{256});
        QCOMPARE(std::get<std::string>(*event.find("model")), std::string("gpt-4o-mini"));
        for (const std::string &bad : {std::string("a b"), std::string("x\n"), std::string(129, 'm'), std::string("<script>")}) {
            AuditEvent other;
            other.model(bad);
            QCOMPARE(std::get<std::string>(*other.find("model")), std::string("invalid"));
        }
        AuditEvent agent;
        agent.userAgent("evil sk-SECRETSECRETSECRETSECRET");
        QVERIFY(std::get<std::string>(*agent.find("user_agent")).find("SECRETSECRET") == std::string::npos);
        AuditEvent none;
        none.model("");
        QVERIFY(!none.find("model"));
    }

    void linesReadBackToTheSameBytes()
    {
        AuditEvent event = sample();
        event.seq = 7;
        event.prev = std::string(64, 'a');
        event.hash = std::string(64, 'b');
        event.detail("forwarded", true).detail("endpoint", std::string("/\xc3\xa4\"\\\x02"));
        const std::string line = auditLine(event);
        const auto read = parseAuditLine(line);
        QVERIFY(read.has_value());
        QCOMPARE(auditLine(*read), line);
        for (const char *bad : {"", "{", "[]", "{\"action\":1}", "nonsense", "{}"})
            QVERIFY2(!parseAuditLine(bad), bad);
    }

    void chainHoldsOverRestarts()
    {
        QTemporaryDir dir;
        const std::string path = dir.path().toStdString() + "/logs/audit.log";
        MemoryTable table;
        for (int run = 0; run < 3; ++run) {
            AuditConfig config;
            config.file = path;
            AuditLog log(config);
            QVERIFY(!log.start(&table).has_value());
            for (int i = 0; i < 5; ++i)
                QVERIFY(recordAndWait(log, sample()));
            std::vector<AuditEvent> now{sample(), sample()};
            QVERIFY(log.appendNow(now) == AuditLog::Appended::Yes);
            QVERIFY(now[0].seq > 0 && now[1].prev == now[0].hash);
            log.stop();
        }
        struct stat info{};
        QCOMPARE(stat(path.c_str(), &info), 0);
        QCOMPARE(info.st_mode & 0777, mode_t{0600});
        QByteArray prev(64, '0');
        int seq = 0;
        for (const QByteArray &line : bytesOfLines(path)) {
            const QJsonObject object = QJsonDocument::fromJson(line).object();
            QCOMPARE(object.value(QLatin1String("seq")).toInt(), ++seq);
            QCOMPARE(object.value(QLatin1String("prev")).toString().toLatin1(), prev);
            const QByteArray covered = line.left(line.lastIndexOf(",\"hash\":"));
            prev = QCryptographicHash::hash(covered, QCryptographicHash::Sha256).toHex();
            QCOMPARE(object.value(QLatin1String("hash")).toString().toLatin1(), prev);
        }
        QCOMPARE(seq, 21);
        QCOMPARE(table.rows.size(), size_t{21});
    }

    void halfALineIsRepairedAndRowsAreReplayed()
    {
        QTemporaryDir dir;
        const std::string path = dir.path().toStdString() + "/audit.log";
        AuditConfig config;
        config.file = path;
        {
            MemoryTable lost;
            AuditLog log(config);
            QVERIFY(!log.start(&lost).has_value());
            for (int i = 0; i < 3; ++i)
                QVERIFY(recordAndWait(log, sample()));
        }
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::Append));
        file.write("{\"timestamp\":\"2023-12-01T10:0");
        file.close();
        MemoryTable table; // the rows never reached it
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, sample()));
        log.stop();
        // The table brings in by itself what it lacks; what follows on it comes from the log.
        QCOMPARE(table.newest, int64_t{3});
        QCOMPARE(table.rows.size(), size_t{4});
        QCOMPARE(table.rows.front().seq, int64_t{4});
        const auto lines = bytesOfLines(path);
        // Three changes whose rows were not committed with them were not applied; that is said before anything else.
        QCOMPARE(lines.size(), 7);
        for (int i = 0; i < 7; ++i) {
            const QJsonObject line = QJsonDocument::fromJson(lines[i]).object();
            QCOMPARE(line.value(QLatin1String("seq")).toInt(), i + 1);
            const bool correction = i >= 3 && i < 6;
            QCOMPARE(line.value(QLatin1String("result")).toString(), QLatin1String(correction ? "error" : "success"));
            QCOMPARE(line.value(QLatin1String("details")).toObject().value(QLatin1String("not_applied_seq")).toInt(), correction ? i - 2 : 0);
        }
    }

    // A second start before the rows are committed finds the corrections in the file, and makes no others.
    void aChangeIsCorrectedOnce()
    {
        QTemporaryDir dir;
        AuditConfig config = configIn(dir);
        for (int start = 0; start < 3; ++start) {
            MemoryTable lost;
            AuditLog log(config);
            QVERIFY(!log.start(&lost).has_value());
            if (start == 0)
                QVERIFY(recordAndWait(log, sample()));
            log.stop();
            QCOMPARE(bytesOfLines(config.file).size(), start == 0 ? 1 : 2);
        }
    }

    // Rows can be missing on purpose: the table was off, or behind. The change is known to stand by its seq.
    void anAppliedChangeWithoutItsRowStands()
    {
        QTemporaryDir dir;
        AuditConfig config = configIn(dir);
        for (int start = 0; start < 2; ++start) {
            MemoryTable lost;
            lost.changeSeq = 1;
            AuditLog log(config);
            QVERIFY(!log.start(&lost).has_value());
            if (start == 0)
                QVERIFY(recordAndWait(log, sample()));
            log.stop();
            QCOMPARE(bytesOfLines(config.file).size(), 1);
        }
    }

    void refusesWhenTheFileCannotBeWritten()
    {
        QTemporaryDir dir;
        MemoryTable table;
        AuditConfig config = configIn(dir);
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, sample()));
        {
            const FileSizeLimit full(100);
            QVERIFY(!recordAndWait(log, sample()));
            std::vector<AuditEvent> change{sample()};
            QVERIFY(log.appendNow(change) == AuditLog::Appended::No);
            QVERIFY(!log.healthy());
        }
        QVERIFY(recordAndWait(log, sample())); // recovery: the kept one is written first
        log.stop();
        const auto lines = bytesOfLines(config.file);
        QCOMPARE(lines.size(), 3);
        QCOMPARE(log.lastSeq(), int64_t{3});
        // Whoever waited for the second one was told that his call failed, so that is what it says.
        QVERIFY(lines.at(0).contains("\"result\":\"success\""));
        QVERIFY(lines.at(1).contains("\"result\":\"error\"") && lines.at(1).contains("\"reason\":\"service_unavailable\""));
        QVERIFY(lines.at(2).contains("\"result\":\"success\""));
    }

    // A request's event needs one of the two; what a call of management waits for needs both.
    void theTableTakesOverFromAFailingFile()
    {
        QTemporaryDir dir;
        MemoryTable table;
        AuditConfig config = configIn(dir);
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, access()));
        {
            const FileSizeLimit full(100);
            QVERIFY(recordAndWait(log, access()));
            QVERIFY(!log.healthy() && log.takesRequests());
            QVERIFY(!recordAndWait(log, sample()));
            std::vector<AuditEvent> change{sample()};
            QVERIFY(log.appendNow(change) == AuditLog::Appended::No);
            QCOMPARE(table.rows.size(), size_t{3});
            QCOMPARE(table.rows.back().result, std::string("error"));
            table.good = false;
            QVERIFY(!log.takesRequests());
            QVERIFY(!recordAndWait(log, access()));
            table.good = true;
        }
        QVERIFY(recordAndWait(log, sample()));
        QVERIFY(log.healthy());
        log.stop();
        QVERIFY(hasSameLines(config.file, table));
        QCOMPARE(table.rows.size(), size_t{5});
    }

    // Then it is read back from the table.
    void whatTheFileLacksNeedNotFitIntoMemory()
    {
        constexpr int events = 9'000;
        QTemporaryDir dir;
        MemoryTable table;
        AuditConfig config = configIn(dir);
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        const int askedAtStart = table.asked;
        {
            const FileSizeLimit full(0);
            for (int at = 0; at < events; ++at) {
                AuditEvent event = access();
                event.detail("reason", std::string(3'000, 'x'));
                log.record(std::move(event), nullptr);
            }
            QVERIFY(recordAndWait(log, access()));
            // Until a second's look has let lines go that the table has.
            QTRY_VERIFY_WITH_TIMEOUT(table.asked > askedAtStart, 10'000);
        }
        QTRY_VERIFY_WITH_TIMEOUT(log.healthy(), 30'000);
        log.stop();
        QVERIFY(hasSameLines(config.file, table));
        QCOMPARE(table.rows.size(), size_t{events + 1});
    }

    void onErrorLogLetsTheChangeGoOn()
    {
        QTemporaryDir dir;
        MemoryTable table;
        AuditConfig config = configIn(dir);
        config.refuseOnError = false;
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        {
            const FileSizeLimit full(0);
            std::vector<AuditEvent> change{sample()};
            QVERIFY(log.appendNow(change) == AuditLog::Appended::Yes);
            QVERIFY(recordAndWait(log, sample()));
            QVERIFY(change.empty() && log.healthy());
        }
        QVERIFY(recordAndWait(log, sample()));
        log.stop();
        QCOMPARE(bytesOfLines(config.file).size(), 3);
        QCOMPARE(table.rows.size(), size_t{3});
    }

    void withoutAFileTheRowIsWaitedFor()
    {
        MemoryTable table;
        AuditConfig config;
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, sample()));
        QCOMPARE(table.rows.size(), size_t{1});
        table.good = false;
        QVERIFY(!recordAndWait(log, sample()));
        log.stop();
    }

    // Nothing is given a seq that neither file nor table can take.
    void withoutAFileATableWithoutRoomRefuses()
    {
        MemoryTable table;
        AuditConfig config;
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, sample()));
        table.hasRoom = false;
        QVERIFY(!recordAndWait(log, sample()));
        QVERIFY(!log.healthy());
        QCOMPARE(log.lastSeq(), int64_t{1});
        table.hasRoom = true;
        QVERIFY(recordAndWait(log, sample())); // behind the one that was kept
        QVERIFY(log.healthy());
        log.stop();
        QCOMPARE(log.lastSeq(), int64_t{3});
        QCOMPARE(table.rows.size(), size_t{3});
    }

    void clientAddressesAreMaskedWhenAsked()
    {
        MemoryTable table;
        AuditConfig config;
        config.maskClientIp = true;
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, sample()));
        log.stop();
        QCOMPARE(table.rows.front().clientIp, std::string("192.168.1.0"));
    }

    void reopensARotatedFile()
    {
        QTemporaryDir dir;
        MemoryTable table;
        AuditConfig config = configIn(dir);
        AuditLog log(config);
        QVERIFY(!log.start(&table).has_value());
        QVERIFY(recordAndWait(log, sample()));
        QCOMPARE(rename(config.file.c_str(), (config.file + ".1").c_str()), 0);
        log.reopen();
        QVERIFY(recordAndWait(log, sample()));
        log.stop();
        // It begins with the lines of the last two seconds: whoever compresses the old file may have missed them.
        QCOMPARE(bytesOfLines(config.file).size(), 2);
        QCOMPARE(bytesOfLines(config.file + ".1").size(), 1);
        QCOMPARE(bytesOfLines(config.file).front(), bytesOfLines(config.file + ".1").front());
    }

    // Eleven years ahead at one start: every event looks old enough to be removed.
    void aWrongClockRemovesNothing()
    {
        for (const auto &[hoursAgo, keeps] : {std::pair{47, false}, std::pair{49, true}}) {
            for (const bool hasFile : {true, false}) {
                QTemporaryDir dir;
                MemoryTable table;
                AuditConfig config;
                config.file = hasFile ? dir.path().toStdString() + "/audit.log" : std::string();
                for (int run = 0; run < 2; ++run) {
                    AuditLog log(config);
                    QVERIFY(!log.start(&table).has_value());
                    QCOMPARE(log.keepsOldForMs() > 23 * hourMs, run == 1 && keeps);
                    log.removeOldFromNow();
                    QCOMPARE(log.keepsOldForMs(), int64_t{0});
                    AuditEvent event = sample();
                    event.timestampMs = Clock::wallMs() - hoursAgo * hourMs;
                    QVERIFY(recordAndWait(log, event));
                    log.stop();
                }
            }
        }
    }

    // Its newest event is one that the first start wrote with the wrong clock.
    void theDoubtAboutTheClockOutlivesAStart()
    {
        for (const bool hasFile : {true, false}) {
            QTemporaryDir dir;
            MemoryTable table;
            AuditConfig config;
            config.file = hasFile ? dir.path().toStdString() + "/audit.log" : std::string();
            const auto run = [&](int64_t ageMs, bool isSettled) {
                AuditLog log(config);
                if (log.start(&table))
                    return int64_t{-1};
                const int64_t keepsMs = log.keepsOldForMs();
                AuditEvent event = sample();
                event.timestampMs = Clock::wallMs() - ageMs;
                recordAndWait(log, event);
                if (isSettled)
                    log.removeOldFromNow();
                log.stop();
                return keepsMs;
            };
            QCOMPARE(run(49 * hourMs, false), int64_t{0});
            QVERIFY(run(0, false) > 23 * hourMs);
            QVERIFY(run(0, false) > 23 * hourMs);
            table.keepsOldMs = hourMs; // the rest, after other runs
            const int64_t rest = run(0, true);
            QVERIFY(rest > 0 && rest <= hourMs);
            QCOMPARE(run(0, false), int64_t{0});
        }
    }

    void missingFolderIsRefusedWhenNotToBeCreated()
    {
        QTemporaryDir dir;
        MemoryTable table;
        AuditConfig config;
        config.file = dir.path().toStdString() + "/none/audit.log";
        config.createDir = false;
        AuditLog log(config);
        const Outcome failure = log.start(&table);
        QVERIFY(failure.has_value());
        QCOMPARE(failure->field, std::string("AUDIT_LOG_FILE"));
    }
};

REGISTER_TEST(TstAuditLog)
#include "tst_audit_log.moc"
