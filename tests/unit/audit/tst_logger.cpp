// SPDX-License-Identifier: GPL-3.0-only
// The security guide's three samples, in C++, as a program would write them.
#include "audit/logger.h"
#include "audit/verify.h"
#include "storage/database.h"
#include "log_lines.h"
#include "test_registry.h"

#include <QTemporaryDir>
#include <unistd.h>

using namespace llmproxy;

namespace {

struct Folder
{
    QTemporaryDir dir;
    std::string file = dir.filePath(QStringLiteral("data/audit.log")).toStdString();
    std::string database = dir.filePath(QStringLiteral("audit.db")).toStdString();
};

struct Request
{
    std::string method, path, requestId, address;
};

void auditTokenAccess(audit::Logger &logger, const Request &r, const std::string &tokenId, const std::string &projectId, std::string_view result)
{
    const auto event = audit::newEvent(audit::ActionTokenAccess, audit::ActorClient, result)
                           .withRequestId(r.requestId)
                           .withProjectId(projectId)
                           .withTokenId(tokenId)
                           .withClientIp(r.address)
                           .withHttpMethod(r.method)
                           .withEndpoint(r.path);
    QVERIFY(!logger.log(event));
}

} // namespace

class TstLogger : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void fileOnly()
    {
        const Folder folder;
        audit::LoggerConfig auditConfig{.filePath = folder.file, .createDir = true};
        auto auditLogger = audit::newLogger(auditConfig);
        QVERIFY2(auditLogger, auditLogger ? "" : auditLogger.error().message.c_str());
        const auto event = audit::newEvent(audit::ActionTokenCreate, audit::ActorManagement, audit::ResultSuccess)
                               .withProjectId("proj-123")
                               .withRequestId("req-456")
                               .withTokenId("tok-1234567890abcdef")
                               .withDetail("duration_minutes", 60);
        QVERIFY(!(*auditLogger)->log(event));
        const auto lines = linesOf(folder.file); // written when log() returns
        QCOMPARE(lines.size(), size_t{1});
        const std::string wanted = R"("action":"token.create","actor":"management","project_id":"proj-123","request_id":"req-456",)"
                                   R"("result":"success","details":{"token_id":"tok-1234****cdef","duration_minutes":60},"seq":1)";
        QVERIFY2(lines.front().find(wanted) != std::string::npos, lines.front().c_str());
        (*auditLogger)->close();
        QVERIFY((*auditLogger)->log(event).has_value());
    }

    void fileAndDatabase()
    {
        const Folder folder;
        Database db(DatabaseConfig{folder.database});
        QVERIFY(!db.open());
        {
            audit::LoggerConfig auditConfig{.filePath = folder.file, .createDir = true, .databaseStore = &db, .enableDatabase = true};
            auto auditLogger = audit::newLogger(auditConfig);
            QVERIFY(auditLogger);
            for (int i = 0; i < 3; ++i)
                QVERIFY(!(*auditLogger)->log(audit::newEvent(audit::ActionProjectCreate, audit::ActorCli, audit::ResultSuccess).withDetail("why", "sk-1234567890abcdef")));
            const auto rows = db.auditEvents({});
            QVERIFY(rows);
            QCOMPARE(rows->size(), size_t{3});
            QCOMPARE(rows->front().text("why"), std::string_view("sk-1234****cdef"));
        }
        // Closed by its end; the next one goes on in the same chain.
        auto again = audit::newLogger({.filePath = folder.file, .databaseStore = &db, .enableDatabase = true});
        QVERIFY(again);
        QVERIFY(!(*again)->log(audit::newEvent(audit::ActionProjectRead, audit::ActorSystem, audit::ResultFailure)));
        ChainVerifier verifier(nullptr);
        for (const std::string &line : linesOf(folder.file))
            verifier.line(line);
        const VerifyReport report = verifier.finish();
        QVERIFY(report.isGood());
        QCOMPARE(report.lastSeq, int64_t{4});
    }

    void correlation()
    {
        const Folder folder;
        auto logger = audit::newLogger({.filePath = folder.file, .createDir = true});
        QVERIFY(logger);
        auditTokenAccess(**logger, {"POST", "/v1/chat/completions", "req-1", "192.168.1.100"}, "tok-1234567890abcdef", "proj-123", audit::ResultDenied);
        const auto event = parseAuditLine(linesOf(folder.file).front());
        QVERIFY(event);
        QCOMPARE(event->requestId, std::string("req-1"));
        QCOMPARE(event->clientIp, std::string("192.168.1.100"));
        QCOMPARE(event->text("endpoint"), std::string_view("/v1/chat/completions"));
        QCOMPARE(event->text("token_id"), std::string_view("tok-1234****cdef"));
        QCOMPARE(event->result, std::string("denied"));
    }

    void errors()
    {
        const Folder folder;
        QCOMPARE(audit::newLogger({}).error().field, std::string("filePath"));
        QCOMPARE(audit::newLogger({.filePath = folder.file, .enableDatabase = true}).error().field, std::string("databaseStore"));
        QVERIFY(!audit::newLogger({.filePath = folder.file})); // no folder, and none is made
    }
};

REGISTER_TEST(TstLogger)
#include "tst_logger.moc"
