// SPDX-License-Identifier: GPL-3.0-only
#include "manage_fixture.h"
#include "test_registry.h"

#include "base/clock.h"
#include "secrets/access_token.h"

using namespace llmproxy;
using namespace llmproxy::test;

class TstManageTokens : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void createsAndShowsOnce();
    void integersInOtherForms();
    void emptyParameters();
    void refusesFields_data();
    void refusesFields();
    void recordsIsolation();
    void lifetimes();
    void lists();
    void updates();
    void revokesLineage();
    void revokesProject();
    void refreshes();
    void graceForms_data();
    void graceForms();
    void purges();
    void validates();
    void auditsReadsOnceAMinute();
};

namespace {

QString pathOf(const Reply &token, const char *rest = "")
{
    return QStringLiteral("/manage/tokens/") + token.text("id") + QString::fromLatin1(rest);
}

QByteArray tokenBody(const QString &token)
{
    return "{\"token\":\"" + token.toUtf8() + "\"}";
}

} // namespace

void TstManageTokens::createsAndShowsOnce()
{
    ManageFixture api;
    const QString project = api.project();
    const Reply made = api.token(project, R"("duration_minutes":60,"name":"n","max_requests":5,"max_concurrent":2,
        "allowed_models":["gpt-*"],"allowed_endpoints":["/v1/*"],"allowed_ips":["10.0.0.0/8","::1"],"budget":null)");
    QCOMPARE(made.status, 201);
    const QString whole = made.text("token");
    QVERIFY(isWellFormedAccessToken(whole.toStdString()));
    QCOMPARE(made.text("state"), QStringLiteral("active"));
    QCOMPARE(made.text("lineage"), made.text("id"));
    QCOMPARE(made["rate_limit"].toInt(), 600);
    QCOMPARE(made["max_requests"].toInt(), 5);
    QCOMPARE(parseRfc3339(made.text("expires_at")) - parseRfc3339(made.text("created_at")), 3'600'000);
    QVERIFY(made["last_used_at"].isNull());
    const Reply shown = api.get(pathOf(made));
    QVERIFY(!shown.raw.contains(whole.toUtf8()));
    QJsonObject withoutToken = made.body;
    withoutToken.remove(QLatin1String("token"));
    QCOMPARE(shown.body, withoutToken);

    const auto events = api.events("token.create");
    QCOMPARE(events.size(), size_t{1});
    QCOMPARE(events[0].projectId, project.toStdString());
    QCOMPARE(std::get<int64_t>(*events[0].find("duration_minutes")), 60);
    QCOMPARE(std::get<std::string>(*events[0].find("token_id")), made.text("token_masked").toStdString());
    QCOMPARE(std::get<std::string>(*events[0].find("token_uuid")), made.text("id").toStdString());
    QFile log(QString::fromStdString(api.settings.auditLogFile));
    QVERIFY(log.open(QIODevice::ReadOnly));
    QVERIFY(!log.readAll().contains(whole.toUtf8()));
}

// JSON knows one kind of number: what a client writes with a point can be an integer.
void TstManageTokens::integersInOtherForms()
{
    ManageFixture api;
    const Reply made = api.token(api.project(), R"("duration_minutes":60.0,"max_concurrent":1e3,"max_requests":-0.0)");
    QCOMPARE(made.status, 201);
    QCOMPARE(parseRfc3339(made.text("expires_at")) - parseRfc3339(made.text("created_at")), 3'600'000);
    QCOMPARE(made["max_concurrent"].toInt(), 1000);
}

void TstManageTokens::emptyParameters()
{
    ManageFixture api;
    for (const char *query : {"q=", "q", "state=", "project_id=", "limit=", "sort=&limit=5"}) {
        const Reply page = api.get(QStringLiteral("/manage/tokens?") + QLatin1String(query));
        QCOMPARE(page.status, 400);
        QCOMPARE(page.errorField(), QString::fromLatin1(query).section(QLatin1Char('='), 0, 0));
    }
    QCOMPARE(api.get(QStringLiteral("/manage/tokens?cursor=")).status, 200); // so a loop over pages begins
}

void TstManageTokens::refusesFields_data()
{
    QTest::addColumn<QByteArray>("fields");
    QTest::addColumn<QString>("field");
    const auto row = [](const char *fields, const char *field) {
        QTest::newRow(fields) << QByteArray(fields) << QString::fromLatin1(field);
    };
    row(R"("duration_minutes":0)", "duration_minutes");
    row(R"("duration_minutes":-1)", "duration_minutes");
    row(R"("duration_minutes":1.5)", "duration_minutes");
    row(R"("duration_minutes":60.0001)", "duration_minutes");
    row(R"("duration_minutes":"60")", "duration_minutes");
    row(R"("duration_minutes":43201)", "duration_minutes");
    row(R"("duration_minutes":9223372036854775808)", "duration_minutes");
    row(R"("duration_minutes":5,"expires_at":"2030-01-01T00:00:00Z")", "expires_at");
    row(R"("expires_at":"2020-01-01T00:00:00Z")", "expires_at");
    row(R"("expires_at":"2999-01-01T00:00:00Z")", "expires_at");
    row(R"("expires_at":"tomorrow")", "expires_at");
    row(R"("expires_at":"2030-01-01T00:00:00")", "expires_at");
    row(R"("max_requests":-1)", "max_requests");
    row(R"("rate_limit":true)", "rate_limit");
    row(R"("max_concurrent":1e7)", "max_concurrent");
    row(R"("max_requests":1e16)", "max_requests");
    row(R"("max_requests":1e300)", "max_requests");
    row(R"("allowed_ips":["10.0.0.0/33"])", "allowed_ips[0]");
    row(R"("allowed_ips":"10.0.0.0/8")", "allowed_ips");
    row(R"("allowed_endpoints":["/v1/*","v1"])", "allowed_endpoints[1]");
    row(R"("budget":{"money":5})", "budget");
    row(R"("token_rate_limit":5)", "token_rate_limit");
    row(R"("param_whitelist":{"model":["x"]})", "param_whitelist");
    row(R"("token":"x")", "token");
    row(R"("name":"a","name":"a")", "name");
}

void TstManageTokens::refusesFields()
{
    QFETCH(QByteArray, fields);
    QFETCH(QString, field);
    ManageFixture api;
    const Reply reply = api.token(api.project(), fields);
    QCOMPARE(reply.status, 400);
    QCOMPARE(reply.errorField(), field);
    QCOMPARE(api.events("token.create").back().result, std::string("failure"));
}

// Of the command that `llm-proxy run` gives it to.
void TstManageTokens::recordsIsolation()
{
    ManageFixture api;
    const QString project = api.project();
    QCOMPARE(api.token(project, R"("isolation":"on; open: abstract sockets")").status, 201);
    QCOMPARE(api.token(project).status, 201);
    const std::vector<AuditEvent> events = api.events("token.create");
    QCOMPARE(events.size(), size_t{2});
    QCOMPARE(std::string(events[0].text("isolation")), std::string("on; open: abstract sockets"));
    QVERIFY(!events[1].find("isolation"));
}

void TstManageTokens::lifetimes()
{
    ManageFixture api;
    const QString project = api.project();
    const Reply usual = api.token(project);
    QCOMPARE(parseRfc3339(usual.text("expires_at")) - parseRfc3339(usual.text("created_at")), 86'400'000);
    const QString wanted = QString::fromStdString(rfc3339(Clock::wallMs() + 7'200'000));
    QCOMPARE(api.token(project, "\"expires_at\":\"" + wanted.toUtf8() + "\"").text("expires_at"), wanted);
    QCOMPARE(api.token(project, R"("rate_limit":0)")["rate_limit"].toInt(-1), 0);
    QCOMPARE(api.token(project, R"("rate_limit":null,"max_requests":0)")["rate_limit"].toInt(-1), 600);
    QCOMPARE(api.token(QStringLiteral("proj-none")).status, 404);
    QCOMPARE(api.token(QStringLiteral("proj-none")).errorField(), QStringLiteral("project_id"));
    QCOMPARE(api.post(QStringLiteral("/manage/tokens")).errorField(), QStringLiteral("project_id"));
}

void TstManageTokens::lists()
{
    ManageFixture api;
    const QString one = api.project();
    const QString two = api.project();
    for (int i = 0; i < 3; ++i)
        QCOMPARE(api.token(one, "\"name\":\"t" + QByteArray::number(i) + "\"").status, 201);
    const Reply other = api.token(two);
    api.remove(pathOf(other));
    QCOMPARE(api.get(QStringLiteral("/manage/tokens"))["items"].toArray().size(), 4);
    QCOMPARE(api.get(QStringLiteral("/manage/tokens?project_id=") + one)["items"].toArray().size(), 3);
    QCOMPARE(api.get(QStringLiteral("/manage/tokens?state=revoked"))["items"].toArray().size(), 1);
    QCOMPARE(api.get(QStringLiteral("/manage/tokens?state=live&q=T1"))["items"].toArray().size(), 1);
    QStringList seen;
    QString cursor;
    do {
        const Reply page = api.get(QStringLiteral("/manage/tokens?limit=1&cursor=") + cursor);
        QCOMPARE(page.status, 200);
        for (const QJsonValue &item : page["items"].toArray())
            seen.append(item.toObject().value(QLatin1String("id")).toString());
        cursor = page.text("next_cursor");
    } while (!cursor.isEmpty() && seen.size() < 10);
    QCOMPARE(seen.size(), 4);
    seen.removeDuplicates();
    QCOMPARE(seen.size(), 4);
}

void TstManageTokens::updates()
{
    ManageFixture api;
    const Reply token = api.token(api.project(), R"("name":"a","note":"b")");
    const Reply changed = api.patch(pathOf(token), R"({"name":"c","note":null,"rate_limit":5,"max_requests":9})");
    QCOMPARE(changed.status, 200);
    QCOMPARE(changed.text("name"), QStringLiteral("c"));
    QVERIFY(changed["note"].isNull());
    QCOMPARE(changed["rate_limit"].toInt(), 5);
    QCOMPARE(changed["max_requests"].toInt(), 9);
    const int64_t created = parseRfc3339(token.text("created_at"));
    const auto until = [](int64_t ms) { return QByteArray(R"({"expires_at":")") + rfc3339(ms).c_str() + "\"}"; };
    constexpr int64_t month = 30LL * 86'400'000;
    QCOMPARE(api.patch(pathOf(token), until(created + month)).status, 200);
    QCOMPARE(api.patch(pathOf(token), until(created + month + 1)).errorField(), QStringLiteral("expires_at"));
    QCOMPARE(api.patch(pathOf(token), R"({"project_id":"x"})").errorField(), QStringLiteral("project_id"));
    api.remove(pathOf(token));
    QCOMPARE(api.patch(pathOf(token), R"({"name":"d"})").status, 409);
    QCOMPARE(api.patch(QStringLiteral("/manage/tokens/none"), R"({"name":"d"})").status, 404);
    const auto events = api.events("token.update");
    QCOMPARE(events.size(), size_t{6});
    QCOMPARE(events.back().result, std::string("failure"));
}

void TstManageTokens::revokesLineage()
{
    ManageFixture api;
    const QString project = api.project();
    const Reply first = api.token(project);
    const Reply second = api.post(pathOf(first, "/refresh"));
    QCOMPARE(second.status, 201);
    const Reply other = api.token(project);
    const Reply revoked = api.remove(pathOf(first));
    QCOMPARE(revoked.status, 200);
    QCOMPARE(revoked.text("state"), QStringLiteral("revoked"));
    QCOMPARE(api.get(pathOf(second)).text("state"), QStringLiteral("revoked"));
    QCOMPARE(api.get(pathOf(other)).text("state"), QStringLiteral("active"));
    auto cut = api.takeCut();
    std::sort(cut.begin(), cut.end());
    std::vector<std::string> expected{first.text("id").toStdString(), second.text("id").toStdString()};
    std::sort(expected.begin(), expected.end());
    QCOMPARE(cut, expected);
    const auto events = api.events("token.revoke");
    QCOMPARE(std::get<int64_t>(*events.back().find("revoked_count")), 2);
    const Reply again = api.remove(pathOf(first));
    QCOMPARE(again.status, 200);
    QCOMPARE(again["revoked_at"], revoked["revoked_at"]);
    QCOMPARE(api.remove(QStringLiteral("/manage/tokens/none")).status, 404);
}

void TstManageTokens::revokesProject()
{
    ManageFixture api;
    const QString project = api.project();
    const Reply gone = api.token(project);
    api.remove(pathOf(gone));
    const Reply token = api.token(project);
    QCOMPARE(api.token(project).status, 201);
    api.snapshots.current()->tokenById(token.text("id").toStdString())->state->active = 3;
    api.takeCut();
    const QString path = QStringLiteral("/manage/projects/") + project + QStringLiteral("/tokens/revoke");
    const Reply bulk = api.post(path);
    QCOMPARE(bulk.status, 200);
    QCOMPARE(bulk["revoked_count"].toInt(), 2);
    QCOMPARE(bulk["already_revoked_count"].toInt(), 1);
    QCOMPARE(bulk["streams_cut"].toInt(), 3);
    QCOMPARE(api.takeCut().size(), size_t{3});
    QCOMPARE(api.post(path, "{}")["already_revoked_count"].toInt(), 3);
    QCOMPARE(api.post(path, R"({"x":1})").status, 400);
    QCOMPARE(api.post(QStringLiteral("/manage/projects/none/tokens/revoke")).status, 404);
    QCOMPARE(api.events("token.revoke_batch").size(), size_t{4});
}

void TstManageTokens::refreshes()
{
    ManageFixture api;
    const QString project = api.project();
    const Reply old = api.token(project, R"("duration_minutes":60,"max_requests":7,"allowed_models":["m"])");
    const Reply fresh = api.post(pathOf(old, "/refresh"), R"({"grace_minutes":5})");
    QCOMPARE(fresh.status, 201);
    QVERIFY(isWellFormedAccessToken(fresh.text("token").toStdString()));
    QVERIFY(fresh.text("token") != old.text("token"));
    QCOMPARE(fresh.text("lineage"), old.text("id"));
    QCOMPARE(fresh["max_requests"].toInt(), 7);
    QCOMPARE(fresh["allowed_models"], old["allowed_models"]);
    QCOMPARE(parseRfc3339(fresh.text("expires_at")) - parseRfc3339(fresh.text("created_at")), 3'600'000);
    const QJsonObject previous = fresh["previous"].toObject();
    QCOMPARE(previous.value(QLatin1String("id")).toString(), old.text("id"));
    QCOMPARE(parseRfc3339(previous.value(QLatin1String("valid_until")).toString()),
             parseRfc3339(fresh.text("created_at")) + 300'000);
    QCOMPARE(api.get(pathOf(old)).text("state"), QStringLiteral("grace"));
    QCOMPARE(api.post(QStringLiteral("/manage/tokens/validate"), tokenBody(old.text("token")))["valid"].toBool(), true);
    QCOMPARE(api.snapshots.current()->tokenById(fresh.text("id").toStdString())->state,
             api.snapshots.current()->tokenById(old.text("id").toStdString())->state);

    const Reply last = api.post(pathOf(fresh, "/refresh"), R"({"grace_minutes":0})");
    QCOMPARE(last.status, 201);
    QCOMPARE(api.get(pathOf(fresh)).text("state"), QStringLiteral("expired"));
    QCOMPARE(api.post(QStringLiteral("/manage/tokens/validate"), tokenBody(fresh.text("token"))).text("reason"),
             QStringLiteral("expired"));
    QCOMPARE(api.post(pathOf(fresh, "/refresh")).status, 409);
    api.remove(pathOf(last));
    QCOMPARE(api.post(pathOf(last, "/refresh")).status, 409);
    QCOMPARE(api.post(QStringLiteral("/manage/tokens/none/refresh")).status, 404);
}

void TstManageTokens::graceForms_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("seconds"); // -1: refused
    QTest::newRow("none") << QByteArray() << 600;
    QTest::newRow("empty") << QByteArray("{}") << 600;
    QTest::newRow("minutes") << QByteArray(R"({"grace_minutes":2})") << 120;
    QTest::newRow("seconds") << QByteArray(R"({"grace_seconds":30})") << 30;
    QTest::newRow("text") << QByteArray(R"({"grace":"15m"})") << 900;
    QTest::newRow("longer than the token") << QByteArray(R"({"grace":"2h"})") << 3600;
    QTest::newRow("two") << QByteArray(R"({"grace":"2h","grace_minutes":1})") << -1;
    QTest::newRow("negative") << QByteArray(R"({"grace_minutes":-1})") << -1;
    QTest::newRow("no duration") << QByteArray(R"({"grace":"soon"})") << -1;
}

void TstManageTokens::graceForms()
{
    QFETCH(QByteArray, body);
    QFETCH(int, seconds);
    ManageFixture api;
    const Reply old = api.token(api.project(), R"("duration_minutes":60)");
    const Reply fresh = api.post(pathOf(old, "/refresh"), body);
    if (seconds < 0) {
        QCOMPARE(fresh.status, 400);
        return;
    }
    const int64_t until = parseRfc3339(fresh["previous"].toObject().value(QLatin1String("valid_until")).toString());
    const int64_t from = parseRfc3339((seconds == 3600 ? old : fresh).text("created_at"));
    QCOMPARE(until - from, int64_t{seconds} * 1000);
}

void TstManageTokens::purges()
{
    ManageFixture api;
    const Reply token = api.token(api.project());
    QCOMPARE(api.remove(pathOf(token, "?purge=true")).errorCode(), QStringLiteral("token_live"));
    QCOMPARE(api.remove(pathOf(token, "?purge=1")).errorField(), QStringLiteral("purge"));
    QCOMPARE(api.remove(pathOf(token, "?purge=false")).status, 200);
    const Reply removed = api.remove(pathOf(token, "?purge=true"));
    QCOMPARE(removed.status, 200);
    QCOMPARE(removed.text("id"), token.text("id"));
    QCOMPARE(api.get(pathOf(token)).status, 404);
    const auto events = api.events("token.delete");
    QCOMPARE(events.size(), size_t{2});
    QCOMPARE(events[0].result, std::string("failure"));
    QCOMPARE(events[1].result, std::string("success"));
    QCOMPARE(std::get<std::string>(*events[1].find("token_uuid")), token.text("id").toStdString());
}

void TstManageTokens::validates()
{
    ManageFixture api;
    const QString path = QStringLiteral("/manage/tokens/validate");
    const QString project = api.project();
    const Reply token = api.token(project);
    const QByteArray body = tokenBody(token.text("token"));
    const Reply good = api.post(path, body);
    QCOMPARE(good.body, QJsonObject({{QStringLiteral("valid"), true}, {QStringLiteral("reason"), QJsonValue()}}));
    QCOMPARE(api.post(path, tokenBody(QStringLiteral("nonsense"))).text("reason"), QStringLiteral("malformed"));
    const Secret unknown = generateAccessToken();
    QCOMPARE(api.post(path, tokenBody(QString::fromStdString(std::string(unknown.reveal())))).text("reason"),
             QStringLiteral("unknown"));
    api.patch(QStringLiteral("/manage/projects/") + project, R"({"is_active":false})");
    QCOMPARE(api.post(path, body).text("reason"), QStringLiteral("project_inactive"));
    api.remove(pathOf(token));
    QCOMPARE(api.post(path, body).text("reason"), QStringLiteral("revoked"));
    const auto events = api.events("token.validate");
    QCOMPARE(events.size(), size_t{5});
    QCOMPARE(events[0].result, std::string("success"));
    QCOMPARE(events[4].result, std::string("failure"));
    QCOMPARE(std::get<std::string>(*events[4].find("reason")), std::string("revoked"));
    QVERIFY(!events[1].find("token_id"));
}

void TstManageTokens::auditsReadsOnceAMinute()
{
    ManageFixture api;
    const Reply token = api.token(api.project());
    for (int i = 0; i < 3; ++i) {
        QCOMPARE(api.get(QStringLiteral("/manage/tokens")).status, 200);
        QCOMPARE(api.get(pathOf(token)).status, 200);
    }
    api.actor = "console";
    api.get(QStringLiteral("/manage/tokens?state=live"));
    api.actor = "management";
    // A waited event comes after all queued before it.
    api.post(QStringLiteral("/manage/tokens/validate"), tokenBody(token.text("token")));
    QCOMPARE(api.events("token.list").size(), size_t{1});
    QCOMPARE(api.events("token.read").size(), size_t{1});
    Clock::advanceForTest(61'000);
    api.get(QStringLiteral("/manage/tokens"));
    api.get(QStringLiteral("/manage/tokens?state=live"));
    api.post(QStringLiteral("/manage/tokens/validate"), tokenBody(token.text("token")));
    Clock::advanceForTest(-61'000);
    QCOMPARE(api.events("token.list").size(), size_t{3});
}

REGISTER_TEST(TstManageTokens)
#include "tst_manage_tokens.moc"
