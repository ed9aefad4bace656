// SPDX-License-Identifier: GPL-3.0-only
// Every page of every combination of filters, against reading all events one by one.
#include "base/clock.h"
#include "storage/audit_rows.h"
#include "storage/audit_search.h"
#include "storage/migrations.h"
#include "storage/retention.h"
#include "test_registry.h"

#include <QTemporaryDir>
#include <optional>
#include <random>

static void initSql()
{
    Q_INIT_RESOURCE(sql);
}

using namespace llmproxy;

namespace {

constexpr int64_t beginMs = 1'700'000'000'000;

class Table
{
public:
    Table()
    {
        initSql();
        path = dir.filePath(QStringLiteral("audit.db")).toStdString();
        auto opened = SqlConnection::open(path, SqlConnection::Use::Write);
        if (!opened || migrate(**opened, path, QStringLiteral(":/sql")))
            qFatal("no database");
        connection = std::move(*opened);
    }

    bool insert(const std::vector<AuditEvent> &rows)
    {
        AuditInsert insert(*connection);
        if (!connection->begin())
            return false;
        for (const AuditEvent &row : rows) {
            if (!insert.insert(row))
                return false;
        }
        return insert.finish() && connection->commit();
    }

    // As a client pages: by the last seq seen.
    std::vector<int64_t> pages(AuditQuery query) const
    {
        std::vector<int64_t> seqs;
        while (true) {
            const auto found = searchAudit(*connection, query);
            if (!found)
                qFatal("the search failed");
            for (const AuditEvent &event : *found)
                seqs.push_back(event.seq);
            if (found->size() < static_cast<size_t>(query.limit))
                return seqs;
            query.fromSeq = seqs.back();
        }
    }

    QTemporaryDir dir;
    std::string path;
    std::unique_ptr<SqlConnection> connection;
};

int strangersIn(const Table &table)
{
    QSqlQuery query = table.connection->query();
    const bool found = query.exec(QStringLiteral("SELECT sum(events) FROM audit_postings JOIN audit_terms ON id = term WHERE kind = 'unlisted'")) && query.next();
    return found ? query.value(0).toInt() : -1;
}

struct Dice
{
    std::mt19937 engine{20261125};
    int upTo(int most) { return static_cast<int>(engine() % static_cast<unsigned>(most)); }
    std::string one(std::initializer_list<const char *> of) { return *(of.begin() + upTo(static_cast<int>(of.size()))); }
};

std::string uuidOf(int number)
{
    return "00000000-0000-4000-8000-0000000000" + std::to_string(10 + number);
}

std::string requestIdOf(int seq)
{
    return seq % 3 == 0 ? "mine-" + std::to_string(seq) : "018f0000-" + std::to_string(1000 + seq) + "-4000-8000-" + std::to_string(100'000'000'000 + seq);
}

std::string maskedOf(int number)
{
    return "tok-" + std::to_string(1000 + number) + "****cdef";
}

std::vector<AuditEvent> history(int count)
{
    Dice dice;
    std::vector<AuditEvent> events;
    for (int seq = 1; seq <= count; ++seq) {
        AuditEvent event(EventAction::named(dice.one({"token.access", "token.access", "token.access", "token.access", "auth.failure", "token.create", "project.update"})), "client",
                         dice.one({"success", "success", "denied", "error", "failure"}));
        event.seq = seq;
        event.timestampMs = beginMs + seq * 1000 - (dice.upTo(50) == 0 ? 600'000 : 0); // the clock was set back now and then
        event.projectId = seq / 300 % 2 == 0 ? "proj-a" : dice.one({"proj-b", "proj-c", "proj-c"});
        event.requestId = requestIdOf(seq);
        event.clientIp = dice.one({"10.0.0.1", "10.0.0.2", "::1"});
        const int token = dice.upTo(5) + seq / 500 * 5;
        event.detail("endpoint", seq % 400 == 7 ? "/v1/Ärger%" : "/v1/chat/completions");
        event.detail("status", int64_t{dice.upTo(4) == 0 ? 429 : 200});
        event.ownText("token_id", maskedOf(token));
        event.userAgent(dice.one({"curl/7.88.1", "OpenAI/Python 1.2", "anthropic-typescript/0.3"}));
        event.model(dice.one({"gpt-4o", "gpt-4o-mini", "claude-3"}));
        if (event.action != Action::AuthFailure)
            event.ownText("token_uuid", uuidOf(token));
        event.prev = event.hash = std::string(64, '0');
        events.push_back(std::move(event));
    }
    return events;
}

} // namespace

class TstAuditSearch : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void pagesAreWhatReadingAllFinds()
    {
        const std::vector<AuditEvent> events = history(3000);
        Table table;
        // In transactions of different sizes, as they come.
        for (size_t from = 0, size = 1; from < events.size(); from += size, size = size * 3 % 701 + 1)
            QVERIFY(table.insert({events.begin() + static_cast<ptrdiff_t>(from), events.begin() + static_cast<ptrdiff_t>(std::min(from + size, events.size()))}));
        Dice dice;
        int notEmpty = 0;
        for (int round = 0; round < 300; ++round) {
            if (round == 200) // blocks from before this column was there
                QVERIFY(table.connection->run(QStringLiteral("UPDATE audit_postings SET rows = NULL WHERE block < 6")));
            AuditQuery query;
            query.limit = 1 + dice.upTo(70);
            query.oldestFirst = dice.upTo(2) == 0;
            const auto sometimes = [&dice] { return dice.upTo(4) == 0; };
            if (sometimes())
                query.action = dice.one({"token.access", "token.", "t*", "auth.failure", "nothing.such", "*"});
            if (sometimes())
                query.result = dice.one({"success", "denied"});
            if (sometimes())
                query.projectId = dice.one({"proj-a", "proj-b", "proj-x"});
            if (sometimes())
                query.clientIp = dice.one({"::1", "10.0.0.2"});
            if (sometimes())
                query.status = dice.one({"200", "429", "500"});
            if (sometimes())
                query.model = dice.one({"gpt-4o", "claude-3"});
            if (sometimes())
                query.tokenId = dice.upTo(2) == 0 ? uuidOf(dice.upTo(30)) : maskedOf(dice.upTo(30));
            if (sometimes())
                query.text = dice.one({"CURL", "openai/", "ärger%", "_", "proj-", "zzz", "429"});
            if (sometimes())
                query.fromMs = beginMs + dice.upTo(3200) * 1000;
            if (sometimes())
                query.toMs = beginMs + dice.upTo(3200) * 1000;
            if (dice.upTo(20) == 0)
                query.requestId = requestIdOf(1 + dice.upTo(3100));
            std::vector<int64_t> wanted;
            for (const AuditEvent &event : events) {
                if (matches(event, query))
                    wanted.push_back(event.seq);
            }
            if (!query.oldestFirst)
                std::reverse(wanted.begin(), wanted.end());
            notEmpty += !wanted.empty();
            QCOMPARE(table.pages(query), wanted);
        }
        QVERIFY(notEmpty > 50); // or it would not have shown much
    }

    // What strangers choose is found, though it is no entry of the dictionary.
    void whatStrangersChooseIsNoTerm()
    {
        std::vector<AuditEvent> events;
        for (int seq = 1; seq <= 600; ++seq) {
            const bool isKnown = seq % 3 == 0;
            AuditEvent event(seq % 5 == 0 ? Action::AuthFailure : Action::TokenAccess, "client", "denied");
            event.seq = seq;
            event.timestampMs = beginMs + seq;
            event.clientIp = "10.0.0.1";
            event.ownText("endpoint", isKnown ? "/v1/models" : "/guess/" + std::to_string(seq));
            event.ownText("user_agent", isKnown ? "curl/8" : "guesser/" + std::to_string(seq));
            if (isKnown && event.action == Action::TokenAccess)
                event.ownText("token_uuid", uuidOf(1));
            event.prev = event.hash = std::string(64, '0');
            events.push_back(std::move(event));
        }
        Table table;
        QVERIFY(table.insert(events));
        QSqlQuery terms = table.connection->query();
        QVERIFY(terms.exec(QStringLiteral("SELECT group_concat(value, ' ') FROM (SELECT value FROM audit_terms WHERE kind IN ('endpoint', 'user_agent', 'unlisted') ORDER BY 1)")) && terms.next());
        QCOMPARE(terms.value(0).toString(), QStringLiteral("/v1/models curl/8 stranger"));
        terms.finish();
        for (const char *text : {"guess/7", "GUESSER/400", "/v1/models", "curl", "nowhere"}) {
            AuditQuery query;
            query.text = text;
            query.oldestFirst = true;
            std::vector<int64_t> wanted;
            for (const AuditEvent &event : events) {
                if (matches(event, query))
                    wanted.push_back(event.seq);
            }
            QCOMPARE(table.pages(query), wanted);
        }
        const auto facets = auditFacets(*table.connection, 0, 0);
        QVERIFY(facets && std::none_of(facets->begin(), facets->end(), [](const AuditFacet &facet) { return facet.kind == unlistedKind; }));
        QVERIFY(table.connection->run(QStringLiteral("DELETE FROM audit_events WHERE seq <= 300")));
        QVERIFY(terms.exec(QStringLiteral("SELECT kind, sum(events) FROM audit_postings JOIN audit_terms ON id = term WHERE kind IN ('endpoint', 'unlisted') GROUP BY 1 ORDER BY 1")));
        QVERIFY(terms.next());
        QCOMPARE(terms.value(1).toInt(), 80); // of 100 known ones a fifth is auth.failure
        QVERIFY(terms.next());
        QCOMPARE(terms.value(1).toInt(), 220);
    }

    // Over more than two segments of 64 blocks: the first two are sorted away.
    void requestIdsOfLongAgo()
    {
        const std::vector<AuditEvent> events = history(36'000);
        Table table;
        for (size_t at = 0; at < events.size(); at += 500)
            QVERIFY(table.insert({events.begin() + static_cast<ptrdiff_t>(at), events.begin() + static_cast<ptrdiff_t>(at) + 500}));
        QSqlQuery counted = table.connection->query();
        QVERIFY(counted.exec(QStringLiteral("SELECT count(DISTINCT segment), count(*), (SELECT min(block) FROM audit_request_ends) FROM audit_request_index")) && counted.next());
        QCOMPARE(counted.value(0).toInt(), 2);
        QVERIFY(counted.value(1).toInt() > 100);
        QCOMPARE(counted.value(2).toInt(), 128);
        counted.finish();
        for (const int which : {0, 1, 255, 256, 16'383, 16'384, 20'000, 32'767, 32'768, 35'999}) {
            for (const bool oldestFirst : {false, true}) {
                AuditQuery query;
                query.requestId = events[static_cast<size_t>(which)].requestId;
                query.oldestFirst = oldestFirst;
                std::vector<int64_t> wanted;
                for (const AuditEvent &event : events) {
                    if (event.requestId == query.requestId)
                        wanted.push_back(event.seq);
                }
                if (!oldestFirst)
                    std::reverse(wanted.begin(), wanted.end());
                if (!query.requestId.empty())
                    QCOMPARE(table.pages(query), wanted);
            }
        }
    }

    // Counted by day: the same as counting each event of those days.
    void facetsCount()
    {
        std::vector<AuditEvent> events = history(3000);
        for (AuditEvent &event : events) // over five days
            event.timestampMs = beginMs + event.seq * 144'000;
        Table table;
        for (size_t at = 0; at < events.size(); at += 500)
            QVERIFY(table.insert({events.begin() + static_cast<ptrdiff_t>(at), events.begin() + static_cast<ptrdiff_t>(at) + 500}));
        const int64_t secondDay = beginMs / 86'400'000 + 1;
        for (const auto &[fromMs, toMs] : {std::pair<int64_t, int64_t>{0, 0}, {secondDay * 86'400'000, (secondDay + 2) * 86'400'000}}) {
            std::map<std::string, int64_t> wanted;
            for (const AuditEvent &event : events) {
                if (event.timestampMs >= fromMs && (toMs == 0 || event.timestampMs < toMs))
                    ++wanted[std::to_string(std::get<int64_t>(*event.find("status")))];
            }
            const auto facets = auditFacets(*table.connection, fromMs, toMs);
            QVERIFY(facets);
            std::map<std::string, int64_t> counted;
            for (const AuditFacet &facet : *facets) {
                if (facet.kind == "status")
                    counted[facet.value] = facet.events;
            }
            QCOMPARE(counted, wanted);
        }
    }

    // The dictionary of a transaction that failed is not believed in the next.
    void aRolledBackTransactionLeavesNothing()
    {
        const std::vector<AuditEvent> events = history(600);
        Table table;
        AuditInsert insert(*table.connection);
        QVERIFY(table.connection->begin());
        for (size_t at = 0; at < 300; ++at)
            QVERIFY(insert.insert(events[at]));
        QVERIFY(insert.finish());
        table.connection->rollback();
        insert.abandon();
        QVERIFY(table.connection->begin());
        for (const AuditEvent &event : events)
            QVERIFY(insert.insert(event) && insert.insert(event)); // the second time as a replay would
        QVERIFY(insert.finish() && table.connection->commit());
        QSqlQuery query = table.connection->query();
        QVERIFY(query.exec(QStringLiteral("SELECT sum(events), count(*) FROM audit_postings JOIN audit_terms ON id = term WHERE kind = 'actor'")) && query.next());
        QCOMPARE(query.value(0).toInt(), 600);
        QCOMPARE(query.value(1).toInt(), 3);
        AuditQuery all;
        all.actor = "client";
        QCOMPARE(table.pages(all).size(), size_t{600});
    }

    void retentionTakesTheOldestInBatches()
    {
        Table table;
        std::vector<AuditEvent> events = history(3000);
        QVERIFY(table.insert(events));
        Retention retention;
        std::optional<std::pair<bool, int64_t>> ended;
        retention.begin(2222, [&ended](bool ok, int64_t rows) { ended = {ok, rows}; });
        bool termsGone = false;
        int steps = 0;
        for (; retention.isActive(); ++steps)
            QVERIFY(retention.step(*table.connection, &termsGone));
        QVERIFY(steps > 4 && termsGone);
        QCOMPARE(ended->second, int64_t{2222});
        QVERIFY(ended->first);
        AuditQuery all;
        all.oldestFirst = true;
        const auto left = table.pages(all);
        QCOMPARE(left.size(), size_t{778});
        QCOMPARE(left.front(), int64_t{2223});
        QSqlQuery query = table.connection->query();
        // What only the removed ones had is forgotten, as somebody's user agent would be.
        QVERIFY(query.exec(QStringLiteral("SELECT count(*) FROM audit_terms WHERE kind = 'token_uuid' AND value = '00000000-0000-4000-8000-000000000010'")) && query.next());
        QCOMPARE(query.value(0).toInt(), 0);
        QVERIFY(query.exec(QStringLiteral("SELECT min(block) FROM audit_postings")) && query.next());
        QCOMPARE(query.value(0).toInt(), 2223 / 256);
        AuditQuery some;
        some.model = "gpt-4o";
        some.status = "200";
        events.erase(events.begin(), events.begin() + 2222);
        const auto matching = std::count_if(events.begin(), events.end(), [&some](const AuditEvent &event) { return matches(event, some); });
        QCOMPARE(static_cast<qsizetype>(table.pages(some).size()), static_cast<qsizetype>(matching));
    }

    void aRowDeletedByHandIsNotCounted()
    {
        Table table;
        QVERIFY(table.insert(history(600)));
        QVERIFY(table.connection->run(QStringLiteral("DELETE FROM audit_events WHERE seq > 100 AND seq <= 400")));
        for (const char *kind : {"action", "project_id", "status", "user_agent", "token_uuid"}) {
            QSqlQuery query = table.connection->query();
            query.prepare(QStringLiteral("SELECT sum(events) FROM audit_postings JOIN audit_terms ON id = term WHERE kind = ?"));
            query.addBindValue(QLatin1String(kind));
            QVERIFY(query.exec() && query.next());
            const int counted = query.value(0).toInt();
            query.finish();
            AuditQuery all;
            all.action = "*";
            const auto left = table.pages(all);
            QCOMPARE(left.size(), size_t{300});
            if (std::string_view(kind) == "user_agent")
                QCOMPARE(counted + strangersIn(table), 300);
            else if (std::string_view(kind) != "token_uuid")
                QCOMPARE(counted, 300);
            else
                QVERIFY(counted < 300 && counted > 200); // refused credentials have none
        }
    }
};

REGISTER_TEST(TstAuditSearch)
#include "tst_audit_search.moc"
