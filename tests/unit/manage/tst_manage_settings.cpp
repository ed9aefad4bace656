// SPDX-License-Identifier: GPL-3.0-only
// Settings that are shown, tried and saved; and whose key a provider check sends where.
#include "manage_fixture.h"
#include "test_registry.h"

#include "base/clock.h"
#include "config/saved_settings.h"

#include <QDir>
#include <QFile>

using namespace llmproxy;
using namespace llmproxy::test;

class TstManageSettings : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void shows();
    void saves();
    void removes();
    void refuses();
    void tries();
    void fromAfarOnlyWhatIsDeclared();
    void fromAfarOnlyStricter();
    void saysWhatThisCallerMayChange();
    void aHiddenValueMustBeValidToo();
    void placesOfItsFiles();
    void cleansUpNoYoungPast();
    void keepsAForeignLine();
    void refusesWhenTheFileCannotBeRead();
    void checksAKey();
    void checksAStoredKeyAtItsOwnAddress();
    void checksNothingWithoutAKey();
};

namespace {

const QString path = QStringLiteral("/manage/settings");
const QString checkPath = QStringLiteral("/manage/providers/check");

QJsonObject itemOf(const Reply &reply, const char *name)
{
    for (const QJsonValue &item : reply["items"].toArray()) {
        if (item.toObject().value(QLatin1String("name")).toString() == QLatin1String(name))
            return item.toObject();
    }
    return {};
}

QString saved(const Reply &reply, const char *name)
{
    return itemOf(reply, name).value(QLatin1String("saved")).toString();
}

SavedSettings fileOf(const ManageFixture &api)
{
    return readSavedSettings(savedSettingsPath(api.settings.dataDir));
}

Reply save(ManageFixture &api, const char *name, const char *value)
{
    return api.patch(path, QByteArray("{\"changes\":[{\"name\":\"") + name + "\",\"value\":" + value + "}]}");
}

} // namespace

void TstManageSettings::shows()
{
    ManageFixture api;
    const Reply all = api.get(path);
    QCOMPARE(all.status, 200);
    QCOMPARE(all["items"].toArray().size(), static_cast<qsizetype>(settingDeclarations().size()));
    QCOMPARE(all["restart_needed"].toBool(true), false);
    const QJsonObject one = itemOf(all, "MAX_HEADER_COUNT");
    QCOMPARE(one.value(QLatin1String("value")).toString(), QStringLiteral("100"));
    QCOMPARE(one.value(QLatin1String("group")).toString(), QStringLiteral("Limits"));
    QVERIFY(one.value(QLatin1String("saved")).isNull());
    QVERIFY(one.value(QLatin1String("needs_restart")).toBool());
    QVERIFY(!itemOf(all, "LOG_LEVEL").value(QLatin1String("needs_restart")).toBool(true));
    const QJsonObject token = itemOf(all, "MANAGEMENT_TOKEN");
    QVERIFY(token.value(QLatin1String("secret")).toBool() && token.value(QLatin1String("value")).isNull());
    QVERIFY(!QFile::exists(QString::fromStdString(savedSettingsPath(api.settings.dataDir))));
}

// What `llm-proxy run` hides.
void TstManageSettings::placesOfItsFiles()
{
    ManageFixture api;
    api.settings.tlsKeyFile = "/keys/tls.pem";
    const QString places = QStringLiteral("/manage/files");
    const Reply shown = api.get(places);
    QCOMPARE(shown.status, 200);
    const QJsonArray items = shown["items"].toArray();
    QCOMPARE(items.at(0).toObject().value(QLatin1String("kind")).toString(), QStringLiteral("folder"));
    QVERIFY(items.contains(QJsonObject{{QLatin1String("path"), QLatin1String("/keys/tls.pem")}, {QLatin1String("kind"), QLatin1String("file")}, {QLatin1String("what"), QLatin1String("TLS key")}}));
}

void TstManageSettings::saves()
{
    ManageFixture api;
    api.isLocal = true;
    const Reply changed = save(api, "MAX_HEADER_COUNT", "\"77\"");
    QCOMPARE(changed.status, 200);
    QCOMPARE(saved(changed, "MAX_HEADER_COUNT"), QStringLiteral("77"));
    QCOMPARE(itemOf(changed, "MAX_HEADER_COUNT").value(QLatin1String("value")).toString(), QStringLiteral("100")); // until a restart
    QVERIFY(changed["restart_needed"].toBool());
    QCOMPARE(api.get(path).body, changed.body);
    QCOMPARE(fileOf(api).values.at("MAX_HEADER_COUNT"), std::string("77"));
    QCOMPARE(QDir(QString::fromStdString(api.settings.dataDir)).entryList({QStringLiteral("settings.env*")}).size(), 1);
    const auto events = api.events("config.update");
    QCOMPARE(events.size(), size_t{1});
    QCOMPARE(events[0].result, std::string("success"));
    const std::string line = auditLine(events[0]);
    QVERIFY(line.find(R"("changed":"MAX_HEADER_COUNT")") != std::string::npos);
    QVERIFY(line.find("77\"") == std::string::npos);
    // What is saved already stays.
    QCOMPARE(save(api, "AUDIT_LOG_FILE", "\"\"").status, 200);
    QCOMPARE(fileOf(api).values.size(), size_t{2});
}

void TstManageSettings::removes()
{
    ManageFixture api;
    api.isLocal = true;
    QCOMPARE(save(api, "MAX_HEADER_COUNT", "\"77\"").status, 200);
    QCOMPARE(save(api, "MAX_CONNECTIONS", "\"78\"").status, 200);
    QCOMPARE(save(api, "MAX_HEADER_COUNT", "null").status, 200);
    const Reply last = save(api, "MAX_CONNECTIONS", "\"\"");
    QCOMPARE(last.status, 200);
    QVERIFY(!last["restart_needed"].toBool(true));
    QVERIFY(fileOf(api).values.empty());
}

void TstManageSettings::refuses()
{
    ManageFixture api;
    api.isLocal = true;
    QCOMPARE(save(api, "MAX_HEADER_COUNT", "\"77\"").status, 200);
    for (const auto &[name, value] : {std::pair{"MAX_HEADER_COUNT", "\"many\""}, {"LISTEN_ADDR", "\"0.0.0.0:80\""}, {"ENCRYPTION_KEY", "\"x\""},
                                      {"MANAGEMENT_TOKEN", "null"}, {"DATA_DIR", "\"/tmp\""}, {"LOG_FILE", "\"a****b\""}}) {
        const Reply refused = save(api, name, value);
        QCOMPARE(refused.status, 400);
        QCOMPARE(refused.errorCode(), QStringLiteral("invalid_field"));
        QCOMPARE(refused.errorField(), QString::fromLatin1(name));
    }
    QCOMPARE(save(api, "NO_SUCH_SETTING", "\"1\"").errorField(), QStringLiteral("changes[0].name"));
    const Reply twice = api.patch(path, R"({"changes":[{"name":"LOG_LEVEL","value":"warn"},{"name":"LOG_LEVEL","value":"info"}]})");
    QCOMPARE(twice.errorField(), QStringLiteral("LOG_LEVEL"));
    // All or nothing.
    QCOMPARE(api.patch(path, R"({"changes":[{"name":"LOG_LEVEL","value":"warn"},{"name":"MAX_CONNECTIONS","value":"0"}]})").status, 400);
    QCOMPARE(fileOf(api).values, (SettingTexts{{"MAX_HEADER_COUNT", "77"}}));
    const auto events = api.events("config.update");
    QCOMPARE(events.size(), size_t{10});
    QCOMPARE(events.back().result, std::string("failure"));
}

void TstManageSettings::tries()
{
    ManageFixture api;
    api.isLocal = true;
    const Reply bad = api.patch(path, R"({"check_only":true,"changes":[{"name":"MAX_HEADER_COUNT","value":"many"},{"name":"LISTEN_ADDR","value":"0.0.0.0:1"}]})");
    QCOMPARE(bad.status, 200);
    QStringList names;
    for (const QJsonValue &problem : bad["problems"].toArray())
        names.append(problem.toObject().value(QLatin1String("name")).toString());
    QCOMPARE(names, (QStringList{QStringLiteral("MAX_HEADER_COUNT"), QStringLiteral("LISTEN_ADDR")}));
    const Reply good = api.patch(path, R"({"check_only":true,"changes":[{"name":"LISTEN_ADDR","value":"0.0.0.0:1"},{"name":"ALLOW_INSECURE_LISTEN","value":"true"}]})");
    QCOMPARE(good["problems"].toArray().size(), 0);
    QCOMPARE(api.patch(path, R"({"check_only":true,"changes":[{"name":"NOTHING","value":"1"}]})").status, 400);
    QVERIFY(fileOf(api).values.empty());
    QVERIFY(api.events("config.update").empty());
}

void TstManageSettings::fromAfarOnlyWhatIsDeclared()
{
    ManageFixture api;
    for (const SettingDeclaration &one : settingDeclarations()) {
        if (!isSavable(one) || one.remote != RemoteChange::No)
            continue;
        const Reply refused = save(api, one.name.c_str(), "\"1\"");
        QCOMPARE(refused.status, 403);
        QCOMPARE(refused.errorCode(), QStringLiteral("local_only"));
        QCOMPARE(refused.errorField(), QString::fromStdString(one.name));
    }
    for (const char *name : {"TRUSTED_PROXIES", "ALLOWED_HOSTS", "AUDIT_ON_ERROR", "AUDIT_LOG_FILE", "LOG_FILE", "API_CONFIG_PATH", "MANAGEMENT_ALLOWED_IPS", "HTTPS_PROXY",
                             "SSL_CERT_FILE", "REFERENCE_ORIGINS", "ALLOW_INSECURE_UPSTREAM", "ALERTS_ENABLED", "AUDIT_ENABLED", "LISTEN_ADDR"})
        QVERIFY2(settingNamed(name)->remote == RemoteChange::No, name);
    QVERIFY(fileOf(api).values.empty());
    QCOMPARE(api.events("config.update").back().result, std::string("failure"));
    const Reply tried = api.patch(path, R"({"check_only":true,"changes":[{"name":"ALLOWED_HOSTS","value":"*"}]})");
    QCOMPARE(tried["problems"].toArray().first().toObject().value(QLatin1String("name")).toString(), QStringLiteral("ALLOWED_HOSTS"));
    api.isLocal = true;
    QCOMPARE(save(api, "ALLOWED_HOSTS", "\"*\"").status, 200);
    api.isLocal = false;
    QCOMPARE(save(api, "ALLOWED_HOSTS", "\"*\"").status, 200); // changes nothing
    QCOMPARE(save(api, "ALLOWED_HOSTS", "null").status, 403);
}

void TstManageSettings::fromAfarOnlyStricter()
{
    ManageFixture api;
    const auto is = [&](int status, const char *name, const char *value) {
        const Reply reply = save(api, name, value);
        QVERIFY2(reply.status == status, (QByteArray(name) + "=" + value + ": " + reply.raw).constData());
    };
    is(200, "LOG_LEVEL", "\"debug\"");
    is(200, "ALERT_AUTH_FAILURES", "\"100\"");
    is(200, "ALERT_AUTH_FAILURES", "\"5\"");
    is(200, "MAX_CONNECTIONS", "\"100\"");
    is(200, "MAX_CONNECTIONS", "\"100\"");
    is(403, "MAX_CONNECTIONS", "\"101\"");
    is(403, "MAX_CONNECTIONS", "null"); // 10000
    is(200, "REQUEST_HEAD_TIMEOUT", "\"9500ms\"");
    is(403, "REQUEST_HEAD_TIMEOUT", "\"1m\"");
    is(403, "MAX_REQUEST_SIZE", "\"1GB\"");
    is(403, "TOKEN_DEFAULT_RATE_LIMIT", "\"0\""); // none is more than any
    is(403, "TOKEN_DEFAULT_RATE_LIMIT", "\"11/s\"");
    is(200, "TOKEN_DEFAULT_RATE_LIMIT", "\"9/s\"");
    is(200, "IP_RATE_LIMIT", "\"6000/m\""); // now for loopback, too
    is(403, "IP_RATE_LIMIT", "null");
    is(403, "AUDIT_RETENTION", "\"1ms\"");
    is(403, "AUDIT_RETENTION", "\"89d\"");
    is(200, "AUDIT_RETENTION", "\"91d\"");
    is(200, "AUDIT_RETENTION", "\"0\""); // keeps them all
    is(403, "AUDIT_RETENTION", "\"1000d\"");
    is(400, "AUDIT_RETENTION", "\"soon\"");
    QCOMPARE(fileOf(api).values.at("AUDIT_RETENTION"), std::string("0"));
}

void TstManageSettings::saysWhatThisCallerMayChange()
{
    ManageFixture api;
    const auto mayChange = [&](const char *name) { return itemOf(api.get(path), name).value(QLatin1String("may_change")).toString().toStdString(); };
    QCOMPARE(mayChange("LOG_LEVEL"), std::string("yes"));
    QCOMPARE(mayChange("MAX_CONNECTIONS"), std::string("lower"));
    QCOMPARE(mayChange("AUDIT_RETENTION"), std::string("raise"));
    QCOMPARE(mayChange("LISTEN_ADDR"), std::string("no"));
    QCOMPARE(mayChange("MANAGEMENT_TOKEN"), std::string("no"));
    api.isLocal = true;
    QCOMPARE(mayChange("LISTEN_ADDR"), std::string("yes"));
    QCOMPARE(mayChange("MAX_CONNECTIONS"), std::string("yes"));
    QCOMPARE(mayChange("MANAGEMENT_TOKEN"), std::string("no"));
    QCOMPARE(mayChange("DATA_DIR"), std::string("no"));
    for (const SettingDeclaration &one : settingDeclarations()) {
        QVERIFY2(one.remote == RemoteChange::No || isSavable(one), one.name.c_str());
        if (one.remote != RemoteChange::Lower && one.remote != RemoteChange::Raise)
            continue; // else it is of a kind whose values can be compared
        const bool isDuration = one.accepts.starts_with("duration"), isSize = one.accepts.starts_with("size");
        const std::string unit = isDuration ? "d" : isSize ? "MiB" : "";
        const std::string looser = one.remote == RemoteChange::Raise ? (isDuration ? "1ms" : "1") : one.isZeroNoLimit ? "0" : "99999999" + unit;
        QVERIFY2(!whyNotRemote(one, {}, looser).empty(), one.name.c_str());
    }
}

void TstManageSettings::aHiddenValueMustBeValidToo()
{
    SettingSources sources;
    sources.environment = {{"TLS_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"}, {"TLS_KEY_FILE", "/dev/null"}, {"MAX_HEADER_COUNT", "50"}};
    ManageFixture api([&](ManageContext &context) {
        sources.flags["DATA_DIR"] = context.settings->dataDir;
        context.inUse.load = [&](const std::optional<SettingTexts> &saved) {
            SettingSources all = sources;
            all.saved = saved;
            return loadSettings(all);
        };
        context.inUse.loadAlone = [&](const SettingTexts &saved) { return loadAlone(sources, sources.flags["DATA_DIR"], saved); };
    });
    api.isLocal = true;
    QCOMPARE(save(api, "MAX_HEADER_COUNT", "\"0\"").errorField(), QStringLiteral("MAX_HEADER_COUNT")); // the environment has a good one
    QCOMPARE(save(api, "TLS_CERT_FILE", "\"/not/there\"").status, 400); // a file that is missing, and a key that is
    QCOMPARE(save(api, "HTTP_LISTEN_ADDR", "\"127.0.0.1:81\"").errorField(), QStringLiteral("HTTP_LISTEN_ADDR")); // good beside the environment's TLS only
    QVERIFY(fileOf(api).values.empty());
    // What stands there from before hinders no other change, but must go when it is touched.
    auto draft = SavedSettingsDraft::write(savedSettingsPath(api.settings.dataDir), {{"MAX_HEADER_COUNT", "none"}});
    QVERIFY(draft.ok() && !draft->keep());
    QCOMPARE(save(api, "LOG_LEVEL", "\"warn\"").status, 200);
    QCOMPARE(save(api, "MAX_HEADER_COUNT", "\"-1\"").status, 400);
    QCOMPARE(save(api, "MAX_HEADER_COUNT", "null").status, 200);
}

void TstManageSettings::cleansUpNoYoungPast()
{
    ManageFixture api;
    const auto cleanUp = [&](const char *olderThan) { return api.post(QStringLiteral("/manage/audit/cleanup"), QByteArray("{\"older_than\":\"") + olderThan + "\"}"); };
    api.settings.auditRetentionMs = 90 * dayMs;
    for (const char *young : {"1ms", "89d", "1d"}) {
        const Reply refused = cleanUp(young);
        QCOMPARE(refused.status, 403);
        QCOMPARE(refused.errorCode(), QStringLiteral("local_only"));
        QCOMPARE(refused.errorField(), QStringLiteral("older_than"));
    }
    QCOMPARE(cleanUp("90d").status, 200);
    QCOMPARE(cleanUp("never").status, 400);
    api.settings.auditRetentionMs = 5 * minuteMs;
    QCOMPARE(cleanUp("1h").status, 403);
    QCOMPARE(cleanUp("1d").status, 200);
    api.settings.auditRetentionMs = 0; // keeps everything
    QCOMPARE(cleanUp("3650d").status, 403);
    api.isLocal = true;
    QCOMPARE(cleanUp("1ms").status, 200);
}

void TstManageSettings::keepsAForeignLine()
{
    ManageFixture api;
    auto draft = SavedSettingsDraft::write(savedSettingsPath(api.settings.dataDir), {{"OF_A_LATER_VERSION", "x y"}});
    QVERIFY(draft.ok() && !draft->keep());
    QCOMPARE(save(api, "LOG_LEVEL", "\"warn\"").status, 200);
    QCOMPARE(fileOf(api).values.at("OF_A_LATER_VERSION"), std::string("x y"));
}

void TstManageSettings::refusesWhenTheFileCannotBeRead()
{
    ManageFixture api;
    QVERIFY(QDir().mkdir(QString::fromStdString(savedSettingsPath(api.settings.dataDir))));
    const Reply refused = save(api, "LOG_LEVEL", "\"warn\"");
    QCOMPARE(refused.status, 409);
    QCOMPARE(refused.errorCode(), QStringLiteral("saved_settings_unreadable"));
    QCOMPARE(api.get(path).status, 200);
}

void TstManageSettings::checksAKey()
{
    ManageFixture api;
    const Reply good = api.post(checkPath, R"({"provider":"openai","api_key":"sk-tried1234567890","base_url":"https://a.example/v1"})");
    QCOMPARE(good.status, 200);
    QVERIFY(good["ok"].toBool());
    QCOMPARE(good.text("reason"), QStringLiteral("ok"));
    QCOMPARE(good["status"].toInt(), 200);
    QCOMPARE(good["models"].toArray().size(), 2);
    QCOMPARE(api.asked, std::string("openai|https://a.example/v1|sk-tried1234567890"));
    QCOMPARE(api.post(checkPath, R"({"provider":"nobody","api_key":"k"})").errorField(), QStringLiteral("provider"));
    const Reply farInClear = api.post(checkPath, R"({"provider":"openai","api_key":"k","base_url":"http://a.example"})");
    QCOMPARE(farInClear.errorField(), QStringLiteral("base_url"));
    QCOMPARE(api.post(checkPath, R"({"provider":"openai","api_key":"env:MANAGEMENT_TOKEN"})").errorField(), QStringLiteral("api_key"));
    QCOMPARE(api.post(checkPath, R"({"provider":"openai","api_key":"sk-1234****cdef"})").errorField(), QStringLiteral("api_key"));
    QVERIFY(!api.everything.contains("sk-tried"));
}

void TstManageSettings::checksAStoredKeyAtItsOwnAddress()
{
    ManageFixture api;
    const QByteArray id = api.project(R"("name":"one","api_key":"sk-stored1234567890","base_url":"https://mine.example/v1")").toUtf8();
    const QByteArray begin = "{\"provider\":\"openai\",\"project_id\":\"" + id + "\"";
    QVERIFY(api.post(checkPath, begin + "}")["ok"].toBool());
    QCOMPARE(api.asked, std::string("openai|https://mine.example/v1|sk-stored1234567890"));
    const Reply same = api.post(checkPath, begin + R"(,"base_url":"https://mine.example/v1"})");
    QVERIFY(same["ok"].toBool());
    api.asked.clear();
    const Reply thief = api.post(checkPath, begin + R"(,"base_url":"https://thief.example/v1"})");
    QCOMPARE(thief.errorField(), QStringLiteral("base_url"));
    QVERIFY(api.asked.empty());
    const Reply another = api.post(checkPath, begin + R"(,"base_url":"https://other.example","api_key":"sk-new1234567890"})");
    QVERIFY(another["ok"].toBool());
    QCOMPARE(api.asked, std::string("openai|https://other.example|sk-new1234567890"));
    QCOMPARE(api.post(checkPath, R"({"provider":"openai","project_id":"nobody"})").status, 404);
}

void TstManageSettings::checksNothingWithoutAKey()
{
    ManageFixture api;
    const QByteArray id = api.project().toUtf8();
    for (const QByteArray &body : {QByteArray(R"({"provider":"openai"})"), "{\"provider\":\"anthropic\",\"project_id\":\"" + id + "\"}",
                                   QByteArray(R"({"provider":"openai","api_key":"env:NOT_SET_ANYWHERE"})")}) {
        const Reply reply = api.post(checkPath, body);
        QCOMPARE(reply.status, 200);
        QCOMPARE(reply.text("reason"), QStringLiteral("key_missing"));
        QVERIFY(reply["status"].isNull() && !reply["ok"].toBool(true));
    }
    QVERIFY(api.asked.empty());
    QVERIFY(api.post(checkPath, R"({"provider":"ollama"})")["ok"].toBool()); // local models need none
    QCOMPARE(api.asked, std::string("ollama||none"));
}

REGISTER_TEST(TstManageSettings)
#include "tst_manage_settings.moc"
