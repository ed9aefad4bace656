// SPDX-License-Identifier: GPL-3.0-only
// Makes an audit table of a realistic history and asks it what people ask: bench_audit ROWS FOLDER. Prints "NAME VALUE UNIT"
// lines; times are the worst of several different questions of a kind.
#include "base/clock.h"
#include "base/random.h"
#include "base/sha256.h"
#include "storage/audit_check.h"
#include "storage/audit_rows.h"
#include "storage/audit_search.h"
#include "storage/migrations.h"

#include <QCoreApplication>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <random>
#include <thread>

using namespace llmproxy;

namespace {

constexpr int rowsOfTransaction = 1000;
constexpr int tokens = 5000, projects = 40;

// A few busy tokens and many quiet ones, as it is: Zipf's law.
class History
{
public:
    explicit History(int64_t rows) : m_rows(rows), m_ms(Clock::wallMs() - rows * 20)
    {
        for (int i = 0; i < tokens; ++i)
            m_tokens.push_back(randomUuid());
        std::vector<double> weights;
        for (int i = 0; i < tokens; ++i)
            weights.push_back(1.0 / (i + 1));
        m_pick = std::discrete_distribution<int>(weights.begin(), weights.end());
    }
    AuditEvent next()
    {
        const int token = m_pick(m_dice);
        m_ms += upTo(40);
        const bool denied = upTo(200) == 0, change = upTo(5000) == 0;
        AuditEvent event(change ? Action::TokenCreate : Action::TokenAccess, change ? "management" : "client", denied ? "denied" : "success");
        event.timestampMs = m_ms;
        event.projectId = "proj-" + std::to_string(100000 + token % projects);
        event.requestId = randomUuid();
        event.clientIp = "10.0." + std::to_string(token % 7) + "." + std::to_string(token % 250);
        event.details.reserve(16);
        event.ownText("http_method", "POST");
        event.ownText("endpoint", upTo(10) == 0 ? "/v1/embeddings" : "/v1/chat/completions");
        event.ownValue("status", int64_t{denied ? 429 : upTo(1000) == 0 ? 502 : 200});
        event.ownValue("duration_ms", upTo(4000));
        event.ownText("token_id", "tok-" + std::to_string(1000 + token) + "****cdef");
        event.ownText("user_agent", token % 3 == 0 ? "OpenAI/Python 1.109.1" : token % 3 == 1 ? "anthropic-typescript/0.60.0" : "curl/7.88." + std::to_string(token % 90));
        event.ownText("provider", token % 2 == 0 ? "openai" : "anthropic");
        event.ownText("model", token % 2 == 0 ? "gpt-4o-mini" : "claude-sonnet-4-5");
        event.ownValue("prompt_tokens", upTo(4000));
        event.ownValue("completion_tokens", upTo(900));
        event.ownValue("forwarded", !denied);
        event.ownText("token_uuid", m_tokens[static_cast<size_t>(token)]);
        chain(event);
        if (event.seq % (m_rows / 7) == 1)
            requestIds.push_back(event.requestId);
        return event;
    }
    const std::string &token(int at) const { return m_tokens[static_cast<size_t>(at)]; }
    std::vector<std::string> requestIds; // from all times
    int64_t beginMs() const { return m_ms - m_rows * 20; }
    int64_t endMs() const { return m_ms; }

private:
    int64_t upTo(int64_t most) { return static_cast<int64_t>(m_dice()) % most; }
    void chain(AuditEvent &event)
    {
        event.seq = ++m_seq;
        event.prev = m_hash;
        event.detailsText = detailsJson(event);
        m_line.clear();
        appendHashedBytes(m_line, event);
        event.hash = m_hash = m_hasher.hash(m_line);
    }
    std::mt19937 m_dice{7};
    std::discrete_distribution<int> m_pick;
    std::vector<std::string> m_tokens;
    int64_t m_rows, m_ms, m_seq = 0;
    std::string m_line, m_hash{firstPrev};
    Sha256Hex m_hasher;
};

bool insertMany(SqlConnection &connection, AuditInsert &insert, History &history, int64_t rows)
{
    for (int64_t done = 0; done < rows; done += rowsOfTransaction) {
        if (!connection.begin())
            return false;
        for (int i = 0; i < rowsOfTransaction; ++i) {
            if (!insert.insert(history.next()))
                return false;
        }
        if (!insert.finish() || !connection.commit())
            return false;
    }
    return true;
}

double timed(const std::function<void()> &work)
{
    const int64_t began = Clock::steadyUs();
    work();
    return static_cast<double>(Clock::steadyUs() - began) / 1000;
}

// The first page and the two after it, the slowest of them.
double pages(SqlConnection &connection, AuditQuery query, size_t *found)
{
    double worst = 0;
    for (int page = 0; page < 3; ++page) {
        Result<std::vector<AuditEvent>> events = storageError();
        worst = std::max(worst, timed([&] { events = searchAudit(connection, query); }));
        if (!events || events->empty())
            break;
        *found += events->size();
        query.fromSeq = events->back().seq;
    }
    return worst;
}

} // namespace

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    Q_INIT_RESOURCE(sql);
    if (argc != 3) {
        std::fputs("usage: bench_audit ROWS FOLDER\n", stderr);
        return 2;
    }
    const int64_t rows = std::max<int64_t>(std::atoll(argv[1]), 70'000);
    const std::string path = std::string(argv[2]) + "/audit.db";
    auto writing = SqlConnection::open(path, SqlConnection::Use::Write);
    if (!writing || migrate(**writing, path, QStringLiteral(":/sql")))
        return 1;
    AuditInsert insert(**writing);
    History history(rows);
    bool good = true;
    const double filling = timed([&] { good = insertMany(**writing, insert, history, rows); });
    std::printf("insert %.0f rows/s\n", static_cast<double>(rows) / filling * 1000);
    auto reading = SqlConnection::open(path, SqlConnection::Use::Read);
    if (!good || !reading)
        return 1;

    const auto ask = [&](const char *name, const std::vector<AuditQuery> &questions) {
        double worst = 0;
        size_t found = 0;
        for (AuditQuery query : questions) {
            for (const bool oldestFirst : {false, true}) {
                query.oldestFirst = oldestFirst;
                worst = std::max(worst, pages(**reading, query, &found));
            }
        }
        std::printf("%s %.1f ms, %zu events found\n", name, worst, found);
        std::fflush(stdout);
    };
    const auto with = [](const std::function<void(AuditQuery &)> &set) {
        AuditQuery query;
        set(query);
        return query;
    };
    ask("page", {AuditQuery{}});
    ask("project", {with([](AuditQuery &q) { q.projectId = "proj-100000"; }), with([](AuditQuery &q) { q.projectId = "proj-100039"; })});
    ask("token", {with([&](AuditQuery &q) { q.tokenId = history.token(0); }), with([&](AuditQuery &q) { q.tokenId = history.token(tokens - 1); })});
    ask("status", {with([](AuditQuery &q) { q.status = "502"; }), with([](AuditQuery &q) { q.status = "418"; })});
    ask("action", {with([](AuditQuery &q) { q.action = "token.create"; }), with([](AuditQuery &q) { q.action = "token.*"; })});
    ask("combined", {with([](AuditQuery &q) { q.status = "502"; q.model = "gpt-4o-mini"; q.projectId = "proj-100004"; }),
                     with([](AuditQuery &q) { q.result = "denied"; q.clientIp = "10.0.3.3"; q.action = "token.access"; })});
    std::vector<AuditQuery> byRequest, byTime;
    for (const std::string &id : history.requestIds)
        byRequest.push_back(with([&id](AuditQuery &q) { q.requestId = id; }));
    ask("request", byRequest);
    for (int part = 1; part < 5; ++part)
        byTime.push_back(with([&](AuditQuery &q) { q.fromMs = history.beginMs() + (history.endMs() - history.beginMs()) / 5 * part; q.toMs = q.fromMs + 60'000; q.result = "denied"; }));
    ask("time", byTime);
    ask("text", {with([](AuditQuery &q) { q.text = "EMBEDD"; }), with([](AuditQuery &q) { q.text = "curl/7.88.89"; }), with([](AuditQuery &q) { q.text = "nowhere"; })});
    std::printf("facets %.1f ms\n", timed([&] { (void)auditFacets(**reading, 0, 0); }));

    std::atomic<bool> ending{false};
    std::thread searcher([&] {
        auto other = SqlConnection::open(path, SqlConnection::Use::Read);
        for (int i = 0; other && !ending; ++i) {
            AuditQuery query;
            query.tokenId = history.token(i % tokens);
            (void)searchAudit(**other, query);
        }
    });
    const double beside = timed([&] { good = insertMany(**writing, insert, history, 100'000); });
    ending = true;
    searcher.join();
    std::printf("insert-while-searching %.0f rows/s\n", 100'000 / beside * 1000);
    AuditCheckInput check;
    check.database = path;
    Result<AuditCheckReport> report = storageError();
    const double verifying = timed([&] { report = checkAudit(check); });
    std::printf("verify %.1f s, %s\n", verifying / 1000, report && report->isGood() ? "good" : "NOT GOOD");
    return good && report && report->isGood() ? 0 : 1;
}
