// SPDX-License-Identifier: GPL-3.0-only
// What `llm-proxy run` hides: where the settings say that keys, data and logs lie, and how hidden places are recognised inside.
#include "config/env_register.h"
#include "config/hidden_by_run.h"
#include "config/own_places.h"
#include "settings_fixture.h"
#include "test_registry.h"

#include <QDir>
#include <QTemporaryDir>

#include <algorithm>

using namespace llmproxy;

namespace {

bool has(const std::vector<OwnPlace> &places, const std::string &path, OwnPlace::Kind kind)
{
    return std::any_of(places.begin(), places.end(), [&](const OwnPlace &place) { return place.path == path && place.kind == kind; });
}

} // namespace

class TstOwnPlaces : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyPlaceOfTheSettings()
    {
        using Kind = OwnPlace::Kind;
        Settings settings;
        settings.dataDir = "./data";
        settings.envFile = ".env";
        settings.databasePath = "/db/proxy.db";
        settings.encryptionKeyFile = "/keys/encryption";
        settings.managementTokenFile = "/keys/management";
        settings.tlsKeyFile = "/keys/tls.pem";
        settings.tlsCertFile = "/keys/public.pem";
        settings.auditLogFile = "/log/audit.log";
        settings.logFile = "/log/server.log";
        settings.secretsDir = "/secrets";
        settings.auditAnchors = {{OutsideTarget::Kind::File, "file:/anchors/log", {}}, {OutsideTarget::Kind::Syslog, "syslog", {}}};
        const std::vector<OwnPlace> places = ownPlaces(settings);
        const std::string here = QDir::currentPath().toStdString();
        QCOMPARE(places.front().path, here + "/data");
        for (const auto &[path, kind] : std::vector<std::pair<std::string, Kind>>{{here + "/.env", Kind::File}, {"/db/proxy.db", Kind::Files}, {"/keys/encryption", Kind::File},
                 {"/keys/management", Kind::File}, {"/keys/tls.pem", Kind::File}, {"/log/audit.log", Kind::Files}, {"/log/server.log", Kind::Files}, {"/secrets", Kind::Folder},
                 {"/run/secrets", Kind::Folder}, {"/anchors/log", Kind::File}})
            QVERIFY2(has(places, path, kind), path.c_str());
        QVERIFY(!has(places, "/keys/public.pem", Kind::File));
    }

    void noFilesNoPlaces()
    {
        Settings settings;
        settings.dataDir = "/data";
        settings.logFile = "/dev/stdout";
        const std::vector<OwnPlace> places = ownPlaces(settings);
        QVERIFY(std::none_of(places.begin(), places.end(), [](const OwnPlace &place) { return place.kind != OwnPlace::Kind::Folder && place.path != "/.env"; }));
    }

    // Also those that this start was not given, and what they name.
    void envFilesOfTheDataDirectory()
    {
        using Kind = OwnPlace::Kind;
        const QTemporaryDir folder;
        const std::string root = folder.path().toStdString();
        QVERIFY(QDir(folder.path()).mkpath(QStringLiteral("data")) && QDir(folder.path()).mkpath(QStringLiteral("other")));
        Settings settings;
        settings.dataDir = root + "/data";
        test::writeFile(root + "/.env", "ENCRYPTION_KEY_FILE=./keys/own.key\nTLS_CERT_FILE=./public.pem\n");
        test::writeFile(root + "/other/.env", "MANAGEMENT_TOKEN_FILE='../token'\nTLS_KEY_FILE=/tls/key.pem\n");
        rememberEnvFile(settings.dataDir, root + "/other/.env");
        rememberEnvFile(settings.dataDir, root + "/gone/.env");
        const std::vector<OwnPlace> places = ownPlaces(settings);
        for (const std::string &path : {root + "/.env", root + "/other/.env", root + "/gone/.env", root + "/keys/own.key", root + "/token", std::string("/tls/key.pem")})
            QVERIFY2(has(places, path, Kind::File), path.c_str());
        QVERIFY(!has(places, root + "/public.pem", Kind::File));
    }

    void hiddenFoldersAreMarked()
    {
        QTemporaryDir folder;
        const std::string path = folder.path().toStdString();
        QCOMPARE(whyHiddenByRun(path), std::string());
        QFile mark(folder.filePath(QString::fromLatin1(hiddenMark)));
        QVERIFY(mark.open(QIODevice::WriteOnly));
        QVERIFY(whyHiddenByRun(path).find("hidden by run") != std::string::npos);
    }

    void insideNothingIsMadeAnew()
    {
        QTemporaryDir folder;
        const std::string missing = folder.path().toStdString() + "/data";
        QCOMPARE(whyHiddenByRun(missing), std::string());
        qputenv(insideRunVariable, "1");
        QVERIFY(!whyHiddenByRun(missing).empty());
        QCOMPARE(whyHiddenByRun(folder.path().toStdString()), std::string()); // a folder of the command's own
        qunsetenv(insideRunVariable);
    }
};

REGISTER_TEST(TstOwnPlaces)
#include "tst_own_places.moc"
