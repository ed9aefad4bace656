// SPDX-License-Identifier: GPL-3.0-only
// The served description is true: every answer fits its schema, every route is described.
#include "manage_fixture.h"
#include "test_registry.h"

#include "manage/doctor_checks.h"
#include "manage/read_throttle.h"
#include "manage/text_rules.h"

#include <QRegularExpression>

using namespace llmproxy;
using namespace llmproxy::test;

class TstManageDescription : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void describesEveryRoute();
    void patternIsWhatIsChecked();
    void referencesResolve();
    void answersFitTheirSchemas();
    void auditFiltersAndPages();
    void doctorItems();
    void everyFileWithASecret();
    void ciphersWithoutForwardSecrecy();
    void gitIndex();
    void supportOfDistributions();
    void throttle();
};

namespace {

QJsonObject described()
{
    return QJsonDocument::fromJson(ManageApi::openApi()).object();
}

QJsonObject resolved(const QJsonObject &schema)
{
    const QString reference = schema.value(QLatin1String("$ref")).toString();
    if (reference.isEmpty())
        return schema;
    QJsonObject node = described();
    for (const QString &part : reference.mid(2).split(QLatin1Char('/')))
        node = node.value(part).toObject();
    return node;
}

QString typeName(const QJsonValue &value)
{
    switch (value.type()) {
    case QJsonValue::Null:
        return QStringLiteral("null");
    case QJsonValue::Bool:
        return QStringLiteral("boolean");
    case QJsonValue::Double:
        return QStringLiteral("integer");
    case QJsonValue::String:
        return QStringLiteral("string");
    case QJsonValue::Array:
        return QStringLiteral("array");
    default:
        return QStringLiteral("object");
    }
}

// The part of JSON Schema that the description uses. Empty: the value fits.
QString misfit(const QJsonValue &value, const QJsonObject &given, const QString &path)
{
    const QJsonObject schema = resolved(given);
    if (schema.isEmpty())
        return path + QStringLiteral(": no schema");
    const QJsonValue type = schema.value(QLatin1String("type"));
    const bool typed = type.isArray() ? type.toArray().contains(typeName(value))
        : type.toString() == typeName(value) || (type.toString() == QLatin1String("number") && value.isDouble());
    if (!typed)
        return path + QStringLiteral(": is ") + typeName(value);
    if (schema.contains(QLatin1String("enum")) && !schema.value(QLatin1String("enum")).toArray().contains(value))
        return path + QStringLiteral(": not in enum");
    for (const QJsonValue &item : value.toArray()) {
        const QString problem = misfit(item, schema.value(QLatin1String("items")).toObject(), path + QStringLiteral("[]"));
        if (!problem.isEmpty())
            return problem;
    }
    const QJsonObject object = value.toObject();
    const QJsonObject properties = schema.value(QLatin1String("properties")).toObject();
    const QJsonValue others = schema.value(QLatin1String("additionalProperties"));
    for (const QString &key : object.keys()) {
        const QString name = path + QLatin1Char('.') + key;
        if (!properties.contains(key) && !others.isObject())
            return name + QStringLiteral(": not described");
        const QJsonObject wanted = properties.contains(key) ? properties.value(key).toObject() : others.toObject();
        const QString problem = misfit(object.value(key), wanted, name);
        if (!problem.isEmpty())
            return problem;
    }
    if (value.isObject()) {
        for (const QJsonValue &key : schema.value(QLatin1String("required")).toArray()) {
            if (!object.contains(key.toString()))
                return path + QLatin1Char('.') + key.toString() + QStringLiteral(": missing");
        }
    }
    return {};
}

QString misfitOf(const Reply &reply, const char *path, const char *method)
{
    const QJsonObject operation = described().value(QLatin1String("paths")).toObject()
                                      .value(QLatin1String(path)).toObject().value(QLatin1String(method)).toObject();
    const QJsonObject response = resolved(operation.value(QLatin1String("responses")).toObject()
                                              .value(QString::number(reply.status)).toObject());
    const QJsonObject schema = response.value(QLatin1String("content")).toObject()
                                   .value(QLatin1String("application/json")).toObject()
                                   .value(QLatin1String("schema")).toObject();
    const QString problem = misfit(reply.body, schema, QLatin1String(method) + QLatin1Char(' ') + QLatin1String(path));
    return problem.isEmpty() ? problem : problem + QLatin1Char(' ') + QString::number(reply.status);
}

void collectReferences(const QJsonValue &value, QStringList &references)
{
    for (const QJsonValue &item : value.toArray())
        collectReferences(item, references);
    const QJsonObject object = value.toObject();
    for (const QString &key : object.keys()) {
        if (key == QLatin1String("$ref"))
            references.append(object.value(key).toString());
        collectReferences(object.value(key), references);
    }
}

} // namespace

void TstManageDescription::describesEveryRoute()
{
    const QJsonObject description = described();
    QCOMPARE(description.value(QLatin1String("openapi")).toString(), QStringLiteral("3.1.0"));
    const QJsonObject paths = description.value(QLatin1String("paths")).toObject();
    QStringList operations;
    for (const std::string &route : ManageApi::routes()) {
        const QStringList parts = QString::fromStdString(route).split(QLatin1Char(' '));
        const QJsonObject operation = paths.value(parts.at(1)).toObject().value(parts.at(0).toLower()).toObject();
        QVERIFY2(!operation.isEmpty(), route.c_str());
        operations.append(operation.value(QLatin1String("operationId")).toString());
        const bool hasId = parts.at(1).contains(QLatin1String("{id}"));
        QCOMPARE(operation.value(QLatin1String("parameters")).toArray().at(0).toObject()
                     .value(QLatin1String("in")).toString() == QLatin1String("path"), hasId);
    }
    QCOMPARE(operations.size(), 34);
    QCOMPARE(operations.removeDuplicates(), 0);
    ManageFixture api;
    QCOMPARE(api.get(QStringLiteral("/manage/openapi.json")).body, description);
}

// What the description says of a text's characters is what is checked.
void TstManageDescription::patternIsWhatIsChecked()
{
    QString form = QString::fromLatin1(textPattern.data(), static_cast<qsizetype>(textPattern.size()));
    form.replace(QRegularExpression(QStringLiteral(R"(\\u([0-9a-f]{4}))")), QStringLiteral(R"(\x{\1})")); // as Qt writes it
    form.replace(QRegularExpression(QStringLiteral(R"(\$$)")), QStringLiteral(R"(\z)")); // in ECMA-262 there is no end before a last line feed
    const QRegularExpression pattern(form);
    QVERIFY2(pattern.isValid(), qPrintable(pattern.errorString()));
    for (char32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 0x101) {
        if (QChar::isSurrogate(c))
            continue;
        const QString text = QLatin1Char('a') + QString::fromUcs4(&c, 1);
        const bool isTaken = !checkText(text.toStdString(), {}, "x");
        QVERIFY2(pattern.match(text).hasMatch() == isTaken, qPrintable(QString::number(c, 16)));
    }
}

void TstManageDescription::referencesResolve()
{
    QStringList references;
    collectReferences(described(), references);
    QVERIFY(references.size() > 20);
    for (const QString &reference : references)
        QVERIFY2(!resolved({{QStringLiteral("$ref"), reference}}).isEmpty(), qPrintable(reference));
}

void TstManageDescription::answersFitTheirSchemas()
{
    ManageFixture api;
    const QString projects = QStringLiteral("/manage/projects");
    const QString tokens = QStringLiteral("/manage/tokens");
    const Reply project = api.post(projects, R"({"name":"a","api_key":"sk-abcdefghijkl1234"})");
    const QString projectPath = projects + QLatin1Char('/') + project.text("id");
    const Reply token = api.token(project.text("id"), R"("name":"n")");
    const QString tokenPath = tokens + QLatin1Char('/') + token.text("id");
    QCOMPARE(misfitOf(project, "/manage/projects", "post"), QString());
    QCOMPARE(misfitOf(api.post(projects, "{"), "/manage/projects", "post"), QString());
    QCOMPARE(misfitOf(api.post(projects, R"({"x":1})"), "/manage/projects", "post"), QString());
    QCOMPARE(misfitOf(api.get(projects), "/manage/projects", "get"), QString());
    QCOMPARE(misfitOf(api.get(projectPath), "/manage/projects/{id}", "get"), QString());
    QCOMPARE(misfitOf(api.get(projects + QStringLiteral("/none")), "/manage/projects/{id}", "get"), QString());
    QCOMPARE(misfitOf(api.patch(projectPath, R"({"name":"b"})"), "/manage/projects/{id}", "patch"), QString());
    QCOMPARE(misfitOf(api.post(projectPath + QStringLiteral("/rotate-key"), R"({"api_key":"sk-abcdefghijkl9999"})"),
                      "/manage/projects/{id}/rotate-key", "post"), QString());
    QCOMPARE(misfitOf(token, "/manage/tokens", "post"), QString());
    QCOMPARE(misfitOf(api.get(tokens), "/manage/tokens", "get"), QString());
    QCOMPARE(misfitOf(api.get(tokenPath), "/manage/tokens/{id}", "get"), QString());
    QCOMPARE(misfitOf(api.patch(tokenPath, R"({"note":"x"})"), "/manage/tokens/{id}", "patch"), QString());
    QCOMPARE(misfitOf(api.post(tokenPath + QStringLiteral("/refresh")), "/manage/tokens/{id}/refresh", "post"), QString());
    QCOMPARE(misfitOf(api.post(tokens + QStringLiteral("/validate"), R"({"token":"x"})"), "/manage/tokens/validate",
                      "post"), QString());
    QCOMPARE(misfitOf(api.remove(tokenPath), "/manage/tokens/{id}", "delete"), QString());
    QCOMPARE(misfitOf(api.patch(tokenPath, R"({"note":"x"})"), "/manage/tokens/{id}", "patch"), QString()); // 409
    QCOMPARE(misfitOf(api.post(projectPath + QStringLiteral("/tokens/revoke")), "/manage/projects/{id}/tokens/revoke",
                      "post"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/overview")), "/manage/overview", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/files")), "/manage/files", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/usage")), "/manage/usage", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/usage?by=time")), "/manage/usage", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/doctor")), "/manage/doctor", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/audit")), "/manage/audit", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/audit/1")), "/manage/audit/{id}", "get"), QString());
    QCOMPARE(misfitOf(api.get(QStringLiteral("/manage/audit/x")), "/manage/audit/{id}", "get"), QString());
}

void TstManageDescription::auditFiltersAndPages()
{
    ManageFixture api;
    const QString project = api.project();
    const Reply token = api.token(project);
    api.remove(QStringLiteral("/manage/tokens/") + token.text("id"));
    const auto count = [&](const QString &query) {
        return api.get(QStringLiteral("/manage/audit?") + query)["items"].toArray().size();
    };
    QCOMPARE(count(QStringLiteral("action=token.create")), 1);
    QCOMPARE(count(QStringLiteral("action=token.")), 2);
    QCOMPARE(count(QStringLiteral("token_id=") + token.text("id")), 2);
    QCOMPARE(count(QStringLiteral("project_id=") + project), 3);
    QCOMPARE(count(QStringLiteral("actor=client")), 0);
    QCOMPARE(count(QStringLiteral("to=2020-01-01T00:00:00Z")), 0);
    const Reply first = api.get(QStringLiteral("/manage/audit?limit=2&project_id=") + project);
    QCOMPARE(first["items"].toArray().size(), 2);
    const Reply second = api.get(QStringLiteral("/manage/audit?limit=2&project_id=") + project
                                 + QStringLiteral("&cursor=") + first.text("next_cursor"));
    QCOMPARE(second["items"].toArray().size(), 1);
    QVERIFY(second["next_cursor"].isNull());
    QCOMPARE(second["items"].toArray().at(0).toObject().value(QLatin1String("action")).toString(),
             QStringLiteral("project.create"));
    QCOMPARE(api.get(QStringLiteral("/manage/audit?cursor=zzz")).errorField(), QStringLiteral("cursor"));
    QCOMPARE(api.get(QStringLiteral("/manage/audit?from=yesterday")).errorField(), QStringLiteral("from"));
    QCOMPARE(api.get(QStringLiteral("/manage/audit/999999")).status, 404);
}

void TstManageDescription::doctorItems()
{
    ManageFixture api;
    api.project(R"("name":"a","api_key":"sk-abcdefghijkl1234","environment":"test")");
    const auto stateOf = [&api](const char *id) {
        for (const QJsonValue &item : api.get(QStringLiteral("/manage/doctor"))["items"].toArray()) {
            if (item.toObject().value(QLatin1String("id")).toString() == QLatin1String(id))
                return item.toObject().value(QLatin1String("state")).toString();
        }
        return QString();
    };
    QCOMPARE(stateOf("provider_key_shared"), QStringLiteral("pass"));
    const QString other = api.project(R"("name":"b","api_key":"sk-abcdefghijkl1234","environment":"production")");
    QCOMPARE(stateOf("provider_key_shared"), QStringLiteral("fail"));
    QCOMPARE(stateOf("token_limits"), QStringLiteral("pass"));
    api.token(other, R"("rate_limit":0)");
    QCOMPARE(stateOf("token_limits"), QStringLiteral("warn"));
    QCOMPARE(stateOf("listener"), QStringLiteral("pass"));
    api.settings.listen.push_back(ListenAddress::at(*IpAddress::parse("::1"), 8080));
    QCOMPARE(stateOf("listener"), QStringLiteral("pass"));
    for (const ListenAddress &reached : {ListenAddress::at(*IpAddress::parse("0.0.0.0"), 8081), ListenAddress{"unknown.test", 8082, {}}}) {
        api.settings.listen.push_back(reached); // one of several is enough
        QCOMPARE(stateOf("listener"), QStringLiteral("fail"));
        api.settings.listen.pop_back();
    }
    api.settings.allowedHosts = {"*"};
    QCOMPARE(stateOf("allowed_hosts"), QStringLiteral("warn"));
    QCOMPARE(stateOf("encryption_key"), QStringLiteral("pass"));
    QFile::setPermissions(QString::fromStdString(api.settings.auditLogFile),
                          QFileDevice::ReadOwner | QFileDevice::WriteOwner | QFileDevice::ReadOther);
    QCOMPARE(stateOf("permissions"), QStringLiteral("fail"));
}

// What others can read of it, each of these fails by itself and is named.
void TstManageDescription::everyFileWithASecret()
{
    ManageFixture api;
    const QString folder = QString::fromStdString(api.settings.dataDir);
    const auto permissions = [&api] {
        const Reply answer = api.get(QStringLiteral("/manage/doctor"));
        for (const QJsonValue &item : answer["items"].toArray()) {
            if (item.toObject().value(QLatin1String("id")).toString() == QLatin1String("permissions"))
                return item.toObject();
        }
        return QJsonObject();
    };
    QCOMPARE(permissions().value(QLatin1String("state")).toString(), QStringLiteral("pass"));
    const std::pair<const char *, std::string Settings::*> files[] = {
        {"tls.key", &Settings::tlsKeyFile}, {"own.key", &Settings::encryptionKeyFile}, {"own.env", &Settings::envFile}, {"token", &Settings::managementTokenFile},
        {"webhooks", &Settings::alertWebhooksFile}, {"anchors", &Settings::auditAnchorsFile}, {"settings.env", nullptr}, {"encryption.key", nullptr}, {"copy.db", &Settings::databasePath}};
    for (const auto &[name, setting] : files) {
        const QString path = folder + QLatin1Char('/') + QLatin1String(name);
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.setPermissions(QFileDevice::ReadOwner | QFileDevice::WriteOwner | QFileDevice::ReadOther);
        const std::string before = setting ? api.settings.*setting : std::string();
        if (setting)
            api.settings.*setting = path.toStdString();
        const QJsonObject item = permissions();
        QCOMPARE(item.value(QLatin1String("state")).toString(), QStringLiteral("fail"));
        QVERIFY2(item.value(QLatin1String("evidence")).toString().contains(path + QStringLiteral(" 0604")), name);
        if (setting)
            api.settings.*setting = before;
        QVERIFY(file.remove());
    }
}

void TstManageDescription::ciphersWithoutForwardSecrecy()
{
    QVERIFY(weakCiphersOf("").empty());
    QVERIFY(weakCiphersOf("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:DHE-RSA-AES256-GCM-SHA384").empty());
    QCOMPARE(weakCiphersOf("ECDHE-RSA-AES128-GCM-SHA256:AES256-GCM-SHA384"), std::vector<std::string>{"AES256-GCM-SHA384"});
    QCOMPARE(weakCiphersOf("ECDHE-RSA-AES128-SHA256"), std::vector<std::string>{"ECDHE-RSA-AES128-SHA256"});
}

void TstManageDescription::gitIndex()
{
    using namespace std::string_view_literals;
    QVERIFY(gitIndexHas("DIRC....sha1\x00\x04.env\0pad"sv, ".env"));
    QVERIFY(!gitIndexHas("DIRC....sha1\x00\x05x.env\0pad"sv, ".env"));
    QVERIFY(!gitIndexHas("DIRC"sv, ".env"));
}

void TstManageDescription::supportOfDistributions()
{
    const auto support = [](const char *osRelease, const QDate &today) { return supportOf(QString::fromLatin1(osRelease), today); };
    const char *const bookworm = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n";
    QCOMPARE(support(bookworm, QDate(2026, 1, 1)).isCurrent, true);
    QCOMPARE(support(bookworm, QDate(2026, 1, 1)).name, QStringLiteral("Debian GNU/Linux 12 (bookworm)"));
    QCOMPARE(support(bookworm, QDate(2028, 7, 1)).isCurrent, false);
    QCOMPARE(support(bookworm, QDate(2028, 7, 1)).until, QDate(2028, 6, 30));
    QCOMPARE(support("ID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME='Alpine Linux v3.22'\n", QDate(2027, 1, 1)).isCurrent, true);
    QCOMPARE(support("ID=rocky\nVERSION_ID=\"9.4\"\n", QDate(2027, 1, 1)).isCurrent, true);
    QCOMPARE(support("ID=arch\n", QDate(2027, 1, 1)).isCurrent, true);
    QVERIFY(!support("ID=debian\nVERSION_ID=\"1\"\n", QDate(2027, 1, 1)).until.isValid()); // not 12
    QVERIFY(!support("ID=something\n", QDate(2027, 1, 1)).until.isValid());
    QVERIFY(!support("", QDate(2027, 1, 1)).until.isValid());
}

void TstManageDescription::throttle()
{
    ReadThrottle reads;
    QVERIFY(reads.admit("a", 1000));
    QVERIFY(!reads.admit("a", 60'999));
    QVERIFY(reads.admit("b", 1000));
    QVERIFY(reads.admit("a", 61'000));
}

REGISTER_TEST(TstManageDescription)
#include "tst_manage_description.moc"
