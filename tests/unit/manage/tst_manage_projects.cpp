// SPDX-License-Identifier: GPL-3.0-only
#include "manage_fixture.h"
#include "test_registry.h"

using namespace llmproxy;
using namespace llmproxy::test;

class TstManageProjects : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void createsAndShows();
    void refusesFields_data();
    void refusesFields();
    void refusesBodies_data();
    void refusesBodies();
    void takesReferencesAndKeylessProviders();
    void pages();
    void updates();
    void deactivationCutsStreams();
    void rotatesKeys();
    void deletes();
    void unknownRoutes();
    void neverShowsKeys();
};

void TstManageProjects::createsAndShows()
{
    ManageFixture api;
    const Reply made = api.post(QStringLiteral("/manage/projects"),
                                R"({"name":"Größe 1","api_key":"sk-abcdefghijkl1234","environment":"testing"})");
    QCOMPARE(made.status, 201);
    QVERIFY(made.text("id").startsWith(QStringLiteral("proj-")));
    QCOMPARE(made.text("id").size(), 17);
    QCOMPARE(made.text("environment"), QStringLiteral("test"));
    QCOMPARE(made.text("api_key_masked"), QStringLiteral("sk-abcd****1234"));
    QCOMPARE(made["api_key_age_days"].toInt(-1), 0);
    QVERIFY(made["deactivated_at"].isNull());
    const Reply shown = api.get(QStringLiteral("/manage/projects/") + made.text("id"));
    QCOMPARE(shown.status, 200);
    QCOMPARE(shown.body, made.body);

    const auto events = api.events("project.create");
    QCOMPARE(events.size(), size_t{1});
    QCOMPARE(events[0].projectId, made.text("id").toStdString());
    QCOMPARE(events[0].actor, std::string("management"));
    QCOMPARE(events[0].requestId, std::string("req-1"));
    QCOMPARE(std::get<int64_t>(*events[0].find("status")), 201);
    QCOMPARE(std::get<std::string>(*events[0].find("endpoint")), std::string("/manage/projects"));

    QCOMPARE(api.post(QStringLiteral("/manage/projects"), R"({"id":"own_id","name":"x","api_key":"k1234567890123"})").status, 201);
    const Reply twice = api.post(QStringLiteral("/manage/projects"), R"({"id":"own_id","name":"x","api_key":"k1234567890123"})");
    QCOMPARE(twice.status, 409);
    QCOMPARE(api.events("project.create").back().result, std::string("failure"));
}

void TstManageProjects::refusesFields_data()
{
    QTest::addColumn<QByteArray>("fields");
    QTest::addColumn<QString>("field");
    const auto row = [](const char *name, const char *fields, const char *field) {
        QTest::newRow(name) << QByteArray(fields) << QString::fromLatin1(field);
    };
    row("no name", R"("api_key":"k1234567890123")", "name");
    row("empty name", R"("name":"","api_key":"k1234567890123")", "name");
    row("blank name", R"("name":"  ","api_key":"k1234567890123")", "name");
    row("number as name", R"("name":5,"api_key":"k1234567890123")", "name");
    row("null name", R"("name":null,"api_key":"k1234567890123")", "name");
    row("control character", R"("name":"a\u0007b","api_key":"k1234567890123")", "name");
    row("bidirectional override", R"("name":"a\u202eb","api_key":"k1234567890123")", "name");
    row("isolate", R"("name":"a\u2066b","api_key":"k1234567890123")", "name");
    row("mark", R"("name":"a\u061cb","api_key":"k1234567890123")", "name");
    row("no key", R"("name":"a")", "api_key");
    row("masked key", R"("name":"a","api_key":"sk-abcd****1234")", "api_key");
    row("key with newline", R"("name":"a","api_key":"sk-abc\nX-Header: 1")", "api_key");
    row("unknown provider", R"("name":"a","provider":"nobody","api_key":"k1234567890123")", "provider");
    row("unknown field", R"("name":"a","api_key":"k1234567890123","colour":"red")", "colour");
    row("duplicate field", R"("name":"a","name":"b","api_key":"k1234567890123")", "name");
    row("bad id", R"("id":"a b","name":"a","api_key":"k1234567890123")", "id");
    row("environment", R"("name":"a","environment":"staging","api_key":"k1234567890123")", "environment");
    row("text as boolean", R"("name":"a","is_active":"true","api_key":"k1234567890123")", "is_active");
    row("number as boolean", R"("name":"a","is_active":1,"api_key":"k1234567890123")", "is_active");
    row("origins", R"("name":"a","allowed_origins":["https://a.example"],"api_key":"k1234567890123")", "allowed_origins");
    row("models", R"("name":"a","allowed_models":["a",5],"api_key":"k1234567890123")", "allowed_models[1]");
    row("port", R"("name":"a","base_url":"https://a.example:70000","api_key":"k1234567890123")", "base_url");
    row("a number for the version", R"("name":"a","version_segment":1,"api_key":"k1234567890123")", "version_segment");
    row("ftp", R"("name":"a","base_url":"ftp://a.example","api_key":"k1234567890123")", "base_url");
    row("http far", R"("name":"a","base_url":"http://a.example","api_key":"k1234567890123")", "base_url");
    row("http public ip", R"("name":"a","base_url":"http://8.8.8.8","api_key":"k1234567890123")", "base_url");
    row("http name like loopback", R"("name":"a","base_url":"http://127.evil.example","api_key":"k1234567890123")", "base_url");
    row("metadata", R"("name":"a","base_url":"https://169.254.169.254/v1","api_key":"k1234567890123")", "base_url");
    row("metadata in octal", R"("name":"a","base_url":"http://0251.0376.0251.0376/","api_key":"k1234567890123")", "base_url");
    row("metadata as one number", R"("name":"a","base_url":"http://2852039166/","api_key":"k1234567890123")", "base_url");
    row("metadata mapped", R"("name":"a","base_url":"http://[::ffff:169.254.169.254]/","api_key":"k1234567890123")", "base_url");
    row("link-local", R"("name":"a","base_url":"http://169.254.10.10:8000","api_key":"k1234567890123")", "base_url");
    row("credentials", R"("name":"a","base_url":"https://u:p@a.example","api_key":"k1234567890123")", "base_url");
    row("query", R"("name":"a","base_url":"https://a.example/?x=1","api_key":"k1234567890123")", "base_url");
    row("fragment", R"("name":"a","base_url":"https://a.example/#x","api_key":"k1234567890123")", "base_url");
    row("both forms", R"("name":"a","api_key":"k1234567890123","providers":[{"provider":"openai","api_key":"k1234567890123"}])", "providers");
    row("providers empty", R"("name":"a","providers":[])", "providers");
    row("provider twice", R"("name":"a","providers":[{"api_key":"k1234567890123"},{"api_key":"k1234567890124"}])", "providers[1].provider");
    row("no key in list", R"("name":"a","providers":[{"provider":"anthropic"}])", "providers[0].api_key");
    row("unknown in list", R"("name":"a","providers":[{"api_key":"k1234567890123","x":1}])", "providers[0].x");
    row("vault", R"("name":"a","api_key":"vault:x#y")", "api_key");
    row("file outside", R"("name":"a","api_key":"file:/etc/passwd")", "api_key");
}

void TstManageProjects::refusesFields()
{
    QFETCH(QByteArray, fields);
    QFETCH(QString, field);
    ManageFixture api;
    const Reply reply = api.post(QStringLiteral("/manage/projects"), "{" + fields + "}");
    QCOMPARE(reply.status, 400);
    QCOMPARE(reply.errorField(), field);
    QVERIFY(!reply.errorCode().isEmpty());
    QCOMPARE(api.events("project.create").size(), size_t{1});
    QCOMPARE(api.events("project.create")[0].result, std::string("failure"));
    QCOMPARE(api.get(QStringLiteral("/manage/projects"))["items"].toArray().size(), 0);
}

void TstManageProjects::refusesBodies_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::newRow("no JSON") << QByteArray("name=a");
    QTest::newRow("list") << QByteArray("[]");
    QTest::newRow("cut") << QByteArray("{\"name\":\"a\"");
    QTest::newRow("bad UTF-8") << QByteArray("{\"name\":\"\xff\"}");
    QTest::newRow("two values") << QByteArray("{}{}");
    QTest::newRow("deep") << QByteArray(R"({"name":)") + QByteArray(100, '[') + QByteArray(100, ']') + "}";
    QTest::newRow("NUL") << QByteArray("{\"name\":\"a\0b\"}", 14);
}

void TstManageProjects::refusesBodies()
{
    QFETCH(QByteArray, body);
    ManageFixture api;
    const Reply reply = api.post(QStringLiteral("/manage/projects"), body);
    QCOMPARE(reply.status, 400);
    QVERIFY(!reply.errorCode().isEmpty());
    const Reply typed = api.call("POST", QStringLiteral("/manage/projects"), R"({"name":"a"})", "text/plain");
    QCOMPARE(typed.status, 400);
    QCOMPARE(typed.errorField(), QStringLiteral("Content-Type"));
}

void TstManageProjects::takesReferencesAndKeylessProviders()
{
    ManageFixture api;
    const Reply made = api.post(QStringLiteral("/manage/projects"),
                                R"({"name":"a","providers":[{"provider":"ollama","base_url":"http://127.0.0.1:11434"},
                                    {"provider":"openai","api_key":"env:SOME_KEY_FOR_TESTS"}]})");
    QCOMPARE(made.status, 201);
    QCOMPARE(made.text("provider"), QStringLiteral("ollama"));
    QCOMPARE(made.text("base_url"), QStringLiteral("http://127.0.0.1:11434"));
    QVERIFY(made["api_key_masked"].isNull());
    const QJsonObject second = made["providers"].toArray().at(1).toObject();
    QCOMPARE(second.value(QLatin1String("api_key_masked")).toString(), QStringLiteral("env:SOME_KEY_FOR_TESTS"));
    QCOMPARE(second.value(QLatin1String("needs_key")).toBool(), true);
}

void TstManageProjects::pages()
{
    ManageFixture api;
    for (int i = 0; i < 5; ++i)
        QVERIFY(!api.project("\"name\":\"Name " + QByteArray::number(i) + "\",\"api_key\":\"k1234567890123\"").isEmpty());
    QStringList names;
    QString cursor;
    int pages = 0;
    do {
        const Reply page = api.get(QStringLiteral("/manage/projects?limit=2&sort=-name&cursor=") + cursor);
        QCOMPARE(page.status, 200);
        for (const QJsonValue &item : page["items"].toArray())
            names.append(item.toObject().value(QLatin1String("name")).toString());
        cursor = page.text("next_cursor");
        ++pages;
    } while (!cursor.isEmpty() && pages < 10);
    QCOMPARE(pages, 3);
    QCOMPARE(names.join(QLatin1Char(',')), QStringLiteral("Name 4,Name 3,Name 2,Name 1,Name 0"));
    QCOMPARE(api.get(QStringLiteral("/manage/projects?q=name+3"))["items"].toArray().size(), 1);
    QCOMPARE(api.get(QStringLiteral("/manage/projects?state=inactive"))["items"].toArray().size(), 0);
    for (const char *bad : {"limit=0", "limit=201", "limit=x", "cursor=%21", "cursor=abcd", "sort=size", "state=x",
                            "colour=red"}) {
        const Reply reply = api.get(QStringLiteral("/manage/projects?") + QString::fromLatin1(bad));
        QCOMPARE(reply.status, 400);
        QCOMPARE(reply.errorField(), QString::fromLatin1(bad).section(QLatin1Char('='), 0, 0));
    }
}

void TstManageProjects::updates()
{
    ManageFixture api;
    const QString path = QStringLiteral("/manage/projects/") + api.project();
    const Reply changed = api.patch(path, R"({"name":"two","allowed_models":["gpt-4o*"],"environment":"production"})");
    QCOMPARE(changed.status, 200);
    QCOMPARE(changed.text("name"), QStringLiteral("two"));
    QCOMPARE(changed.text("api_key_masked"), QStringLiteral("sk-abcd****1234"));
    QCOMPARE(changed["allowed_models"].toArray().size(), 1);
    const Reply moved = api.patch(path, R"({"base_url":"https://a.example/v1","api_key":"sk-abcdefghijkl1234"})"); // moc reads // in a macro as a comment
    QCOMPARE(moved.text("base_url"), QStringLiteral("https://a.example/v1"));
    QVERIFY(api.patch(path, R"({"base_url":null})")["base_url"].isNull());
    // A key does not follow to another provider.
    QCOMPARE(api.patch(path, R"({"provider":"anthropic"})").status, 400);
    const Reply two = api.patch(path, R"({"providers":[{"provider":"anthropic","api_key":"sk-zzzzzzzzzzzzzzzz"},{"provider":"openai"}]})");
    QCOMPARE(two.status, 200);
    QCOMPARE(two["providers"].toArray().at(1).toObject().value(QLatin1String("api_key_masked")).toString(),
             QStringLiteral("sk-abcd****1234"));
    QCOMPARE(api.patch(path, R"({"revoke_tokens":true})").status, 400);
    QCOMPARE(api.patch(QStringLiteral("/manage/projects/none"), R"({"name":"x"})").status, 404);
    QCOMPARE(api.events("project.update").back().result, std::string("failure"));
    QVERIFY(api.events("project.update").back().projectId.empty());
}

void TstManageProjects::deactivationCutsStreams()
{
    ManageFixture api;
    const QString id = api.project();
    const Reply token = api.token(id);
    QCOMPARE(token.status, 201);
    const Reply off = api.patch(QStringLiteral("/manage/projects/") + id, R"({"is_active":false})");
    QCOMPARE(off.status, 200);
    QVERIFY(!off["deactivated_at"].isNull());
    QCOMPARE(api.takeCut(), std::vector<std::string>{token.text("id").toStdString()});
    QCOMPARE(api.get(QStringLiteral("/manage/tokens/") + token.text("id")).text("state"), QStringLiteral("active"));
    QCOMPARE(api.token(id).status, 409);
    const Reply on = api.patch(QStringLiteral("/manage/projects/") + id, R"({"is_active":true})");
    QVERIFY(on["deactivated_at"].isNull());
    QCOMPARE(api.patch(QStringLiteral("/manage/projects/") + id, R"({"is_active":false,"revoke_tokens":true})").status, 200);
    QCOMPARE(api.get(QStringLiteral("/manage/tokens/") + token.text("id")).text("state"), QStringLiteral("revoked"));
    QCOMPARE(std::get<int64_t>(*api.events("token.revoke_batch").back().find("revoked_count")), 1);
}

void TstManageProjects::rotatesKeys()
{
    ManageFixture api;
    const QString path = QStringLiteral("/manage/projects/") + api.project() + QStringLiteral("/rotate-key");
    const Reply rotated = api.post(path, R"({"api_key":"sk-newnewnewnew9876"})");
    QCOMPARE(rotated.status, 200);
    QCOMPARE(rotated.text("api_key_masked"), QStringLiteral("sk-newn****9876"));
    QCOMPARE(api.post(path, R"({"api_key":"sk-newn****9876"})").errorField(), QStringLiteral("api_key"));
    QCOMPARE(api.post(path, R"({"api_key":"sk-newnewnewnew9876","provider":"anthropic"})").errorField(), QStringLiteral("provider"));
    QCOMPARE(api.post(path).errorField(), QStringLiteral("api_key"));
    QVERIFY(api.takeCut().empty());
    QCOMPARE(api.events("project.rotate_key").size(), size_t{4});
    QCOMPARE(api.events("project.rotate_key").front().result, std::string("success"));
}

void TstManageProjects::deletes()
{
    ManageFixture api;
    const QString id = api.project();
    const QString path = QStringLiteral("/manage/projects/") + id;
    const Reply token = api.token(id);
    QCOMPARE(api.remove(path).errorCode(), QStringLiteral("project_active"));
    api.patch(path, R"({"is_active":false})");
    QCOMPARE(api.remove(path).errorCode(), QStringLiteral("project_has_tokens"));
    QCOMPARE(api.remove(path).status, 409);
    QCOMPARE(api.remove(QStringLiteral("/manage/tokens/") + token.text("id")).status, 200);
    const Reply gone = api.remove(path);
    QCOMPARE(gone.status, 200);
    QVERIFY(gone["api_key_masked"].isNull());
    QCOMPARE(api.get(path).status, 404);
    QCOMPARE(api.get(QStringLiteral("/manage/projects"))["items"].toArray().size(), 0);
    QCOMPARE(api.remove(path).status, 404);
    QCOMPARE(api.token(id).status, 404);
    QVERIFY(api.snapshots.current()->project(id.toStdString())->record.providers.front().sealedKey.isEmpty());
}

void TstManageProjects::unknownRoutes()
{
    ManageFixture api;
    QCOMPARE(api.get(QStringLiteral("/manage/nothing")).status, 404);
    QCOMPARE(api.get(QStringLiteral("/manage/projects/")).status, 404);
    QCOMPARE(api.get(QStringLiteral("/manage/projects/a/b")).status, 404);
    QCOMPARE(api.get(QStringLiteral("/manage")).status, 404);
    const Reply wrong = api.call("PUT", QStringLiteral("/manage/projects"));
    QCOMPARE(wrong.status, 405);
    QCOMPARE(wrong.allow, std::string("GET, POST"));
    QCOMPARE(wrong.errorCode(), QStringLiteral("method_not_allowed"));
    QCOMPARE(api.get(QStringLiteral("/manage/tokens/validate")).allow, std::string("POST"));
}

void TstManageProjects::neverShowsKeys()
{
    ManageFixture api;
    const QString id = api.project(R"("name":"a","api_key":"sk-SECRETSECRETSECRET1")");
    const QString path = QStringLiteral("/manage/projects/") + id;
    api.get(path);
    api.get(QStringLiteral("/manage/projects"));
    api.patch(path, R"({"name":"b","api_key":"sk-SECRETSECRETSECRET2"})");
    api.post(path + QStringLiteral("/rotate-key"), R"({"api_key":"sk-SECRETSECRETSECRET3"})");
    api.post(QStringLiteral("/manage/projects"), R"({"sk-SECRETSECRETSECRET4":1})");
    api.post(QStringLiteral("/manage/projects"), R"({"name":"a","api_key":"sk-SECRETSECRETSECRET5","api_key":"x"})");
    api.patch(path, R"({"is_active":false})");
    api.remove(path);
    api.get(QStringLiteral("/manage/audit"));
    QVERIFY(!api.everything.contains("SECRETSECRET"));
    QFile log(QString::fromStdString(api.settings.auditLogFile));
    QVERIFY(log.open(QIODevice::ReadOnly));
    QVERIFY(!log.readAll().contains("SECRETSECRET"));
}

REGISTER_TEST(TstManageProjects)
#include "tst_manage_projects.moc"
