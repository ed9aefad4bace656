// SPDX-License-Identifier: GPL-3.0-only
// Which source a setting's value is taken from: flag, environment, .env, saved, default; secrets from files.
#include "config/saved_settings.h"
#include "settings_fixture.h"
#include "test_registry.h"

#include <QDir>
#include <QTemporaryDir>

using namespace llmproxy;
using namespace llmproxy::test;

class TstSettingSources : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void order()
    {
        QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("env")).toStdString();
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("LISTEN_ADDR=127.0.0.1:1\nMAX_HEADER_COUNT=51\nENGINE_THREADS=3\nNOT_OURS=x\n");
        file.close();
        chmod(path.c_str(), 0600);
        SettingSources sources = with({{"LISTEN_ADDR", "127.0.0.1:2"}, {"MAX_HEADER_COUNT", "52"}});
        sources.envFilePath = path;
        sources.flags = {{"LISTEN_ADDR", "127.0.0.1:3"}};
        const LoadedSettings loaded = loadSettings(sources);
        QVERIFY(loaded.problems.empty());
        QCOMPARE(listenText(loaded.settings.listen), std::string("127.0.0.1:3"));
        QCOMPARE(loaded.settings.maxHeaderCount, int64_t{52});
        QCOMPARE(loaded.settings.engineThreads, 3);
        chmod(path.c_str(), 0622);
        QVERIFY(complains(loadSettings(sources), path));
    }

    // "run" in somebody's repository: a data directory that lies in it has no say.
    void savedOfAWorkingDirectoryIsNotTrusted()
    {
        QTemporaryDir dir;
        const QString before = QDir::currentPath();
        QVERIFY(QDir::setCurrent(dir.path()));
        QVERIFY(QDir().mkdir(QStringLiteral("data")));
        writeFile("data/llm-proxy.db", "");
        writeFile("data/settings.env", "MAX_HEADER_COUNT=51\n");
        SettingSources sources = with({});
        sources.serve = false;
        QCOMPARE(loadSettings(sources).settings.maxHeaderCount, int64_t{51});
        sources.trustsWorkingDirectory = false;
        QCOMPARE(loadSettings(sources).settings.maxHeaderCount, int64_t{100});
        sources.flags["DATA_DIR"] = "./data";
        QCOMPARE(loadSettings(sources).settings.maxHeaderCount, int64_t{51});
        QDir::setCurrent(before);
    }

    // Another program's .env must not put its files into a directory that the command line names.
    void aDataDirOnTheCommandLineWins()
    {
        QTemporaryDir dir;
        const std::string env = dir.filePath(QStringLiteral("env")).toStdString(), data = dir.filePath(QStringLiteral("data")).toStdString();
        writeFile(env, "DATABASE_PATH=./app.db\nAUDIT_LOG_FILE=./app.log\nLOG_LEVEL=warn\n");
        SettingSources sources = with({});
        sources.envFilePath = env;
        QCOMPARE(loadSettings(sources).settings.databasePath, std::string("./app.db"));
        QCOMPARE(loadSettings(sources).settings.auditLogFile, std::string("./app.log"));
        sources.flags["DATA_DIR"] = data;
        LoadedSettings loaded = loadSettings(sources);
        QCOMPARE(loaded.settings.databasePath, data + "/llm-proxy.db");
        QCOMPARE(loaded.settings.auditLogFile, data + "/audit.log");
        QCOMPARE(loaded.settings.logLevel, std::string("warn"));
        QCOMPARE(loaded.origin["DATABASE_PATH"], std::string("default"));
        sources.environment["DATABASE_PATH"] = "/srv/a.db";
        sources.flags["AUDIT_LOG_FILE"] = "/srv/a.log";
        loaded = loadSettings(sources);
        QCOMPARE(loaded.settings.databasePath, std::string("/srv/a.db"));
        QCOMPARE(loaded.settings.auditLogFile, std::string("/srv/a.log"));
    }

    void savedComesBeforeTheDefault()
    {
        QTemporaryDir dir;
        const std::string path = savedSettingsPath(dir.path().toStdString());
        writeFile(path, "MAX_HEADER_COUNT=51\nMAX_CONNECTIONS=52\nENGINE_THREADS=3\nAUDIT_LOG_FILE=\"\"\nOF_A_LATER_VERSION=x\n");
        const std::string env = dir.filePath(QStringLiteral("env")).toStdString();
        writeFile(env, ("DATA_DIR=" + dir.path().toStdString() + "/\nMAX_CONNECTIONS=62\nENGINE_THREADS=4\n").c_str());
        SettingSources sources = with({{"ENGINE_THREADS", "5"}});
        sources.envFilePath = env;
        LoadedSettings loaded = loadSettings(sources);
        QVERIFY(loaded.problems.empty());
        QCOMPARE(loaded.settings.maxHeaderCount, int64_t{51});
        QCOMPARE(loaded.settings.maxConnections, int64_t{62});
        QCOMPARE(loaded.settings.engineThreads, 5);
        QVERIFY(loaded.settings.auditLogFile.empty());
        QCOMPARE(loaded.origin["MAX_HEADER_COUNT"], std::string("saved"));
        QCOMPARE(loaded.origin["MAX_CONNECTIONS"], std::string(".env"));
        QCOMPARE(loaded.origin["ENGINE_THREADS"], std::string("environment"));
        QCOMPARE(loaded.origin["MAX_TARGET_SIZE"], std::string("default"));
        // Would others do? The file is not looked at.
        sources.saved = SettingTexts{{"MAX_HEADER_COUNT", "many"}};
        QVERIFY(complains(loadSettings(sources), "MAX_HEADER_COUNT"));
        sources.saved = SettingTexts{};
        QCOMPARE(loadSettings(sources).settings.maxHeaderCount, int64_t{100});
    }

    void secretsStandNowhereElse()
    {
        QTemporaryDir dir;
        const std::string key = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s"; // 32 bytes, the end left out
        SettingSources sources = with({{"MANAGEMENT_TOKEN", goodToken}, {"DATA_DIR", dir.path().toStdString()}});
        sources.envFilePath = dir.filePath(QStringLiteral(".env")).toStdString();
        writeFile(sources.envFilePath, ("MANAGEMENT_TOKEN=of-the-file-that-comes-second-01234567\nENCRYPTION_KEY=\"" + key + "\"\n").c_str());
        LoadedSettings loaded = loadSettings(sources);
        QVERIFY(loaded.problems.empty());
        QVERIFY(loaded.settings.managementToken.equals(goodToken));
        QVERIFY(loaded.settings.encryptionKey.equals(std::string(32, '\xab')));
        QCOMPARE(loaded.origin.at("MANAGEMENT_TOKEN"), std::string("environment"));
        QCOMPARE(loaded.origin.at("ENCRYPTION_KEY"), std::string(".env"));
        QVERIFY(!loaded.given.contains("MANAGEMENT_TOKEN") && !loaded.given.contains("ENCRYPTION_KEY"));
        loaded.settings.forgetSecrets();
        QVERIFY(loaded.settings.managementToken.isEmpty() && loaded.settings.encryptionKey.isEmpty());
        sources.secrets["MANAGEMENT_TOKEN"].reset(); // a server keeps only that it was given
        loaded = loadSettings(sources);
        QVERIFY(loaded.problems.empty() && loaded.settings.managementToken.isEmpty());
        QCOMPARE(loaded.origin.at("MANAGEMENT_TOKEN"), std::string("environment"));
    }

    void problemsSayWhereTheValueCameFrom()
    {
        QTemporaryDir dir;
        const std::string env = dir.filePath(QStringLiteral("env")).toStdString(), saved = savedSettingsPath(dir.path().toStdString());
        writeFile(env, ("DATA_DIR=" + dir.path().toStdString() + "\n# of another program\nLOG_LEVEL=verbose\nMANAGEMENT_TOKEN=short\n").c_str());
        writeFile(saved, "# ours\nMAX_CONNECTIONS=many\n");
        SettingSources sources = with({{"MAX_HEADER_COUNT", "many"}});
        sources.envFilePath = env;
        sources.flags = {{"LISTEN_ADDR", "nowhere"}};
        std::map<std::string, SettingProblem> problems;
        for (const SettingProblem &one : loadSettings(sources).problems)
            problems[one.name] = one;
        QCOMPARE(problems["LOG_LEVEL"].source, env + ", line 3");
        for (const char *way : {"LOG_LEVEL in the environment", "--log-level", "--env"})
            QVERIFY2(problems["LOG_LEVEL"].advice.find(way) != std::string::npos, way);
        QCOMPARE(problems["MANAGEMENT_TOKEN"].source, env + ", line 4");
        QVERIFY(problems["MANAGEMENT_TOKEN"].advice.find("--management-token") == std::string::npos);
        QCOMPARE(problems["MAX_CONNECTIONS"].source, saved + ", line 2");
        QCOMPARE(problems["MAX_HEADER_COUNT"].source, std::string("the environment"));
        QCOMPARE(problems["LISTEN_ADDR"].source, std::string("--listen-addr"));
        QVERIFY(problems["LISTEN_ADDR"].advice.empty());
    }

    void eachSecretMayComeFromAFile()
    {
        QTemporaryDir dir;
        const std::string path = dir.filePath(QStringLiteral("secret")).toStdString();
        for (const SettingDeclaration &setting : settingDeclarations()) {
            if (setting.secret)
                QVERIFY2(settingNamed(setting.name + "_FILE") && !settingNamed(setting.name + "_FILE")->secret, setting.name.c_str());
        }
        writeFile(path, ("\"" + goodToken + "\"\n").c_str(), 0644);
        LoadedSettings loaded = loadSettings(with({{"MANAGEMENT_TOKEN_FILE", path}}));
        QVERIFY(loaded.problems.empty());
        QVERIFY(loaded.settings.managementToken.equals(goodToken));
        QCOMPARE(loaded.origin["MANAGEMENT_TOKEN"], std::string("environment"));
        SettingSources both = with({{"MANAGEMENT_TOKEN_FILE", path}, {"MANAGEMENT_TOKEN", "another-" + goodToken}});
        QVERIFY(complains(loadSettings(both), "MANAGEMENT_TOKEN_FILE"));
        both.flags["MANAGEMENT_TOKEN_FILE"] = path; // the source that comes first
        QVERIFY(loadSettings(both).settings.managementToken.equals(goodToken));
        both = with({{"MANAGEMENT_TOKEN", goodToken}});
        both.envFilePath = dir.filePath(QStringLiteral("env")).toStdString();
        writeFile(both.envFilePath, "MANAGEMENT_TOKEN_FILE=/not/there\n");
        QVERIFY(loadSettings(both).problems.empty());
        QVERIFY(loadSettings(both).settings.managementToken.equals(goodToken));
        writeFile(path, "'https://hooks.example/x?token=1, https://other.example/y'\n");
        loaded = loadSettings(with({{"ALERT_WEBHOOKS_FILE", path}, {"AUDIT_ANCHORS_FILE", path}}));
        QVERIFY(loaded.problems.empty());
        QCOMPARE(loaded.settings.alertWebhooks.size(), size_t{2});
        QVERIFY(loaded.settings.auditAnchors[1].url->equals("https://other.example/y"));
        loaded = loadSettings(with({{"MANAGEMENT_TOKEN_FILE", path}}));
        QVERIFY(complains(loaded, "MANAGEMENT_TOKEN_FILE"));
        QVERIFY(loaded.problems.front().problem.find("hooks") == std::string::npos);
        for (const std::string &bad : {path + "-none", dir.path().toStdString(), std::string("/dev/null")})
            QVERIFY2(complains(loadSettings(with({{"MANAGEMENT_TOKEN_FILE", bad}})), "MANAGEMENT_TOKEN_FILE"), bad.c_str());
        writeFile(path, goodToken.c_str(), 0666);
        QVERIFY(complains(loadSettings(with({{"MANAGEMENT_TOKEN_FILE", path}})), "MANAGEMENT_TOKEN_FILE"));
    }
};

REGISTER_TEST(TstSettingSources)
#include "tst_setting_sources.moc"
