// SPDX-License-Identifier: GPL-3.0-only
// Where a management credential may send a stored key (ruling 50): the origin it was given for, and the profile's own.
#include "manage_fixture.h"
#include "test_registry.h"

#include "access/key_binding.h"

#include <QFile>

using namespace llmproxy;
using namespace llmproxy::test;

class TstManageKeys : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void anotherOriginNeedsTheKeyAgain();
    void thePathMayChange();
    void backToTheProfilesOwn();
    void aListOfProviders();
    void anotherProvider();
    void referencesStayAtHome();
    void referencesWhereTheSettingSaysSo();
    void theMachinesOwnUserMayDoAll();
    void checksFollowTheSameRule();
    void noNewKeyForAnEditedAddress();
    void boundToThisKeyAlone();
};

namespace {

const QByteArray stored = R"("name":"one","api_key":"sk-stored1234567890","base_url":"https://mine.example/v1")";
const QString checks = QStringLiteral("/manage/providers/check");

QString pathOf(const QString &id)
{
    return QStringLiteral("/manage/projects/") + id;
}

// Functions, as moc reads // in a macro's argument as a comment.
void hasStatus(const Reply &reply, int status)
{
    QVERIFY2(reply.status == status, reply.raw.constData());
}

void isTaken(const Reply &reply)
{
    QVERIFY2(reply["ok"].toBool(), reply.raw.constData());
}

void isRefused(const Reply &reply, const char *field = "api_key")
{
    QCOMPARE(reply.status, 400);
    QCOMPARE(reply.errorField(), QLatin1String(field));
}

} // namespace

void TstManageKeys::anotherOriginNeedsTheKeyAgain()
{
    ManageFixture api;
    const QString id = api.project(stored);
    for (const char *other : {"https://thief.example/v1", "http://127.0.0.1:9/v1", "https://mine.example:8443/v1", "https://mine.example.thief.example/v1"}) {
        const Reply refused = api.patch(pathOf(id), QByteArray("{\"base_url\":\"") + other + "\"}");
        isRefused(refused);
        QVERIFY2(refused.raw.contains("https://mine.example:443"), refused.raw.constData());
    }
    QCOMPARE(api.get(pathOf(id)).text("base_url"), QStringLiteral("https://mine.example/v1"));
    const Reply given = api.patch(pathOf(id), R"({"base_url":"https://other.example/v1","api_key":"sk-again1234567890"})");
    QCOMPARE(given.status, 200);
    QCOMPARE(given.text("base_url"), QStringLiteral("https://other.example/v1"));
    isRefused(api.patch(pathOf(id), R"({"base_url":"https://mine.example/v1"})")); // that was for the key before
    isRefused(api.patch(pathOf(api.project()), R"({"base_url":"https://thief.example"})")); // given for the profile's own
    QCOMPARE(api.events("project.update").back().result, std::string("failure"));
}

void TstManageKeys::thePathMayChange()
{
    ManageFixture api;
    const QString id = api.project(stored);
    for (const char *same : {"https://mine.example/v2", "https://MINE.example:443/", "https://mine.example"})
        hasStatus(api.patch(pathOf(id), QByteArray("{\"base_url\":\"") + same + "\"}"), 200);
    hasStatus(api.patch(pathOf(id), R"({"name":"two"})"), 200);
}

void TstManageKeys::backToTheProfilesOwn()
{
    ManageFixture api;
    const QString id = api.project(stored);
    hasStatus(api.patch(pathOf(id), R"({"base_url":null})"), 200);
    hasStatus(api.patch(pathOf(id), R"({"base_url":"https://api.openai.example/v9"})"), 200);
    hasStatus(api.patch(pathOf(id), R"({"base_url":"https://mine.example/v1"})"), 200); // it was given for that one
    isRefused(api.patch(pathOf(id), R"({"base_url":"https://third.example/v1"})"));
}

void TstManageKeys::aListOfProviders()
{
    ManageFixture api;
    const QString id = api.project(R"("name":"one","providers":[{"provider":"openai","api_key":"sk-one1234567890","base_url":"https://a.example"},
        {"provider":"anthropic","api_key":"sk-two1234567890"}])");
    isRefused(api.patch(pathOf(id), R"({"providers":[{"provider":"openai","base_url":"https://a.example"},{"provider":"anthropic","base_url":"https://a.example"}]})"), "providers[1].api_key");
    hasStatus(api.patch(pathOf(id), R"({"providers":[{"provider":"anthropic"},{"provider":"openai","base_url":"https://a.example/v1"}]})"), 200);
}

void TstManageKeys::anotherProvider()
{
    ManageFixture api;
    const QString id = api.project(stored);
    isRefused(api.patch(pathOf(id), R"({"provider":"anthropic"})"));
    isRefused(api.patch(pathOf(id), R"({"provider":"anthropic","base_url":"https://thief.example"})"));
    hasStatus(api.patch(pathOf(id), R"({"provider":"ollama","base_url":"https://thief.example"})"), 200); // needs none, and gets none
    QVERIFY(api.snapshots.current()->project(id.toStdString())->providers.front().key == nullptr);
    isRefused(api.patch(pathOf(id), R"({"provider":"openai"})"));
}

void TstManageKeys::referencesStayAtHome()
{
    ManageFixture api;
    qputenv("TST_OTHER_SECRET", "sk-of-somebody-else");
    const QString projects = QStringLiteral("/manage/projects");
    isRefused(api.post(projects, R"({"name":"x","api_key":"env:TST_OTHER_SECRET","base_url":"https://thief.example"})"));
    isRefused(api.post(projects, R"({"name":"x","providers":[{"provider":"openai","api_key":"env:TST_OTHER_SECRET","base_url":"https://thief.example"}]})"), "providers[0].api_key");
    const Reply own = api.post(projects, R"({"name":"x","api_key":"env:TST_OTHER_SECRET"})");
    QCOMPARE(own.status, 201);
    isRefused(api.patch(pathOf(own.text("id")), R"({"base_url":"https://thief.example"})"));
    isRefused(api.patch(pathOf(own.text("id")), R"({"base_url":"https://thief.example","api_key":"env:TST_OTHER_SECRET"})"));
    const QString elsewhere = api.project(stored);
    isRefused(api.post(pathOf(elsewhere) + QStringLiteral("/rotate-key"), R"({"api_key":"env:TST_OTHER_SECRET"})"));
}

void TstManageKeys::referencesWhereTheSettingSaysSo()
{
    ManageFixture api;
    qputenv("TST_OTHER_SECRET", "sk-of-somebody-else");
    api.settings.referenceOrigins = {"https://gateway.example:443"};
    const Reply made = api.post(QStringLiteral("/manage/projects"), R"({"name":"x","api_key":"env:TST_OTHER_SECRET","base_url":"https://Gateway.example/llm"})");
    QCOMPARE(made.status, 201);
    isRefused(api.patch(pathOf(made.text("id")), R"({"base_url":"https://gateway.example:8443/llm"})"));
}

void TstManageKeys::theMachinesOwnUserMayDoAll()
{
    ManageFixture api;
    qputenv("TST_OTHER_SECRET", "sk-of-somebody-else");
    const QString id = api.project(stored);
    api.isLocal = true;
    hasStatus(api.patch(pathOf(id), R"({"base_url":"https://moved.example/v1"})"), 200);
    hasStatus(api.post(QStringLiteral("/manage/projects"), R"({"name":"x","id":"far","api_key":"env:TST_OTHER_SECRET","base_url":"https://far.example"})"), 201);
    api.isLocal = false; // others may keep what was decided
    hasStatus(api.patch(pathOf(id), R"({"base_url":"https://moved.example/v2"})"), 200);
    hasStatus(api.patch(pathOf(QStringLiteral("far")), R"({"base_url":"https://far.example/v1"})"), 200);
    isRefused(api.patch(pathOf(QStringLiteral("far")), R"({"base_url":"https://farther.example/v1"})"));
}

void TstManageKeys::checksFollowTheSameRule()
{
    ManageFixture api;
    qputenv("TST_OTHER_SECRET", "sk-of-somebody-else");
    const QByteArray begin = "{\"provider\":\"openai\",\"project_id\":\"" + api.project(stored).toUtf8() + "\"";
    isRefused(api.post(checks, begin + R"(,"base_url":"https://thief.example"})"), "base_url");
    isRefused(api.post(checks, R"({"provider":"openai","api_key":"env:TST_OTHER_SECRET","base_url":"https://thief.example"})"));
    QVERIFY(api.asked.empty());
    isTaken(api.post(checks, begin + R"(,"base_url":"https://mine.example/v2"})"));
    QCOMPARE(api.asked, std::string("openai|https://mine.example/v2|sk-stored1234567890"));
    isTaken(api.post(checks, begin + R"(,"base_url":"https://api.openai.example/v1"})"));
    isTaken(api.post(checks, R"({"provider":"openai","api_key":"env:TST_OTHER_SECRET","base_url":"https://api.openai.example"})"));
    api.isLocal = true;
    isTaken(api.post(checks, begin + R"(,"base_url":"https://thief.example"})"));
    QCOMPARE(api.asked, std::string("openai|https://thief.example|sk-stored1234567890"));
}

// As after an edit of base_url in the database.
void TstManageKeys::noNewKeyForAnEditedAddress()
{
    ManageFixture api;
    const QString id = api.project(stored);
    api.edit(id, [](ProviderKey &key) { key.baseUrl = QStringLiteral("https://thief.example"); });
    const Reply shown = api.get(pathOf(id));
    QVERIFY(shown["providers"].toArray().first().toObject().value(QLatin1String("needs_key")).toBool());
    const Reply rotated = api.post(pathOf(id) + QStringLiteral("/rotate-key"), R"({"api_key":"sk-new1234567890"})");
    QCOMPARE(rotated.status, 409);
    QCOMPARE(rotated.errorField(), QStringLiteral("base_url"));
    QCOMPARE(api.post(checks, "{\"provider\":\"openai\",\"project_id\":\"" + id.toUtf8() + "\"}").text("reason"), QStringLiteral("key_missing"));
    QVERIFY(api.asked.empty());
    isRefused(api.patch(pathOf(id), R"({"provider":"openai"})"));
    hasStatus(api.patch(pathOf(id), R"({"base_url":"https://mine.example/v1","api_key":"sk-new1234567890"})"), 200);
    QVERIFY(!api.get(pathOf(id))["providers"].toArray().first().toObject().value(QLatin1String("needs_key")).toBool(true));
}

void TstManageKeys::boundToThisKeyAlone()
{
    ManageFixture api;
    const QString id = api.project(stored), other = api.project(R"("name":"two","api_key":"sk-other1234567890","base_url":"https://thief.example")");
    const ProviderKey theirs = api.snapshots.current()->project(other.toStdString())->record.providers.front();
    api.edit(id, [&](ProviderKey &key) {
        key.baseUrl = theirs.baseUrl;
        key.sealedUrl = theirs.sealedUrl;
    });
    const ProviderEntry entry = api.snapshots.current()->project(id.toStdString())->providers.front();
    QVERIFY(!entry.key && entry.keyState == KeyState::Unusable);
    api.edit(other, [](ProviderKey &key) { key.sealedUrl.clear(); }); // as from before there were bindings
    QVERIFY(!api.snapshots.current()->project(other.toStdString())->providers.front().key);
}

REGISTER_TEST(TstManageKeys)
#include "tst_manage_keys.moc"
