// SPDX-License-Identifier: GPL-3.0-only
#include "config/saved_settings.h"
#include "config/settings.h"
#include "config/settings_table.h"
#include "settings_fixture.h"
#include "test_registry.h"

#include <QDir>
#include <QFile>
#include <QRegularExpression>
#include <QTemporaryDir>

#include <sys/stat.h>

using namespace llmproxy;
using namespace llmproxy::test;

class TstSettings : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void defaults()
    {
        const LoadedSettings loaded = loadSettings(with({}));
        QVERIFY(loaded.problems.empty());
        const Settings &s = loaded.settings;
        QCOMPARE(listenText(s.listen), std::string("127.0.0.1:8080"));
        QVERIFY(s.httpListen.empty());
        QCOMPARE(s.dataDir, std::string("./data"));
        QCOMPARE(s.databasePath, std::string("./data/llm-proxy.db"));
        QCOMPARE(s.auditLogFile, std::string("./data/audit.log"));
        QCOMPARE(s.auditFileMode, 0600u);
        QVERIFY(s.auditEnabled && s.auditRefuseOnError && s.auditCreateDir && s.auditStoreInDb && !s.auditMaskClientIp);
        QCOMPARE(s.requestHeadTimeoutMs, int64_t{10'000});
        QCOMPARE(s.requestBodyTimeoutMs, int64_t{60'000});
        QCOMPARE(s.keepaliveTimeoutMs, int64_t{75'000});
        QCOMPARE(s.upstreamConnectTimeoutMs, int64_t{10'000});
        QCOMPARE(s.upstreamFirstByteTimeoutMs, int64_t{590'000});
        QCOMPARE(s.upstreamIdleTimeoutMs, int64_t{290'000});
        QCOMPARE(s.maxHeaderSize, int64_t{32 * 1024});
        QCOMPARE(s.maxHeaderCount, int64_t{100});
        QCOMPARE(s.maxRequestSize, int64_t{512'000'000});
        QCOMPARE(s.maxConnections, int64_t{10'000});
        QCOMPARE(s.maxConnectionsPerIp, int64_t{1000});
        QCOMPARE(s.tokenMaxLifetimeMs, int64_t{30} * 86'400'000);
        QCOMPARE(s.tokenDefaultLifetimeMs, int64_t{86'400'000});
        QCOMPARE(s.tokenDefaultRateLimit, 600);
        QCOMPARE(s.ipRateLimit, 6000);
        QCOMPARE(s.authFailureLimit, 10);
    }

    void savedProblemsAreNamed()
    {
        QTemporaryDir dir;
        const std::string path = savedSettingsPath(dir.path().toStdString());
        const SettingSources sources = with({{"DATA_DIR", dir.path().toStdString()}});
        QVERIFY(loadSettings(sources).problems.empty());
        writeFile(path, "MAX_HEADER_COUNT=many\nMANAGEMENT_TOKEN=0123456789abcdef0123456789abcdef\nDATA_DIR=/elsewhere\nnonsense\n");
        LoadedSettings loaded = loadSettings(sources);
        for (const std::string &name : {std::string("MAX_HEADER_COUNT"), std::string("MANAGEMENT_TOKEN"), std::string("DATA_DIR"), path})
            QVERIFY2(complains(loaded, name), name.c_str());
        QCOMPARE(loaded.problems.size(), size_t{4});
        QVERIFY(loaded.settings.managementToken.isEmpty());
        QCOMPARE(loaded.settings.dataDir, dir.path().toStdString());
        for (const SettingProblem &problem : loaded.problems)
            QVERIFY((problem.value + problem.problem).find("0123456789") == std::string::npos);
        chmod(path.c_str(), 0622);
        loaded = loadSettings(sources);
        QVERIFY(complains(loaded, path));
        QCOMPARE(loaded.settings.maxHeaderCount, int64_t{100});
    }

    void savedIsWrittenAsItIsRead()
    {
        QTemporaryDir dir;
        const std::string path = savedSettingsPath(dir.path().toStdString());
        const SettingTexts values{{"LOG_FILE", "/a b/\"c\\d#e'$f"}, {"AUDIT_LOG_FILE", ""}, {"NO_PROXY", " spaced\nout "}};
        {
            auto draft = SavedSettingsDraft::write(path, values);
            QVERIFY(draft.ok());
            QVERIFY(!QFile::exists(QString::fromStdString(path)));
        }
        QCOMPARE(QDir(dir.path()).entryList(QDir::Files).size(), 0);
        auto draft = SavedSettingsDraft::write(path, values);
        QVERIFY(draft.ok() && !draft->keep());
        QCOMPARE(QDir(dir.path()).entryList(QDir::Files), QStringList{QStringLiteral("settings.env")});
        struct stat about{};
        QCOMPARE(stat(path.c_str(), &about), 0);
        QCOMPARE(about.st_mode & 0777u, 0600u);
        const SavedSettings read = readSavedSettings(path);
        QVERIFY(read.problems.empty());
        QVERIFY(read.values == values);
        QVERIFY(!SavedSettingsDraft::write(savedSettingsPath(dir.path().toStdString() + "/none"), values).ok());
    }

    // What a kill leaves: a draft is finished exactly when the seq that it carries was committed.
    void draftsAreFinishedOrRemoved()
    {
        QTemporaryDir dir;
        const std::string path = savedSettingsPath(dir.path().toStdString());
        const auto there = [&] { return QDir(dir.path()).entryList(QDir::Files); };
        const auto leave = [&](const char *name, const char *text) {
            QFile file(dir.filePath(QLatin1String(name)));
            QVERIFY(file.open(QIODevice::WriteOnly) && file.write(text) > 0);
            file.setPermissions(QFile::ReadOwner | QFile::WriteOwner);
        };
        leave("settings.env", "MAX_HEADER_COUNT=1\n");
        leave("settings.env.example", "not ours\n");
        QVERIFY(!hasSettingsDrafts(path));
        leave("settings.env.new", "MAX_HEADER_COUNT=2\n");
        leave("settings.env.8", "MAX_HEADER_COUNT=8\n");
        QVERIFY(hasSettingsDrafts(path));
        QVERIFY(!finishSavedSettings(path, 7));
        QCOMPARE(there(), (QStringList{QStringLiteral("settings.env"), QStringLiteral("settings.env.example")}));
        QCOMPARE(readSavedSettings(path).values.at("MAX_HEADER_COUNT"), std::string("1"));
        leave("settings.env.8", "MAX_HEADER_COUNT=8\n");
        leave("settings.env.9", "MAX_HEADER_COUNT=9\n");
        QVERIFY(finishSavedSettings(path, 8));
        QCOMPARE(readSavedSettings(path).values.at("MAX_HEADER_COUNT"), std::string("8"));
        QCOMPARE(there(), (QStringList{QStringLiteral("settings.env"), QStringLiteral("settings.env.example")}));
        auto draft = SavedSettingsDraft::write(path, {{"MAX_HEADER_COUNT", "10"}});
        QVERIFY(draft.ok() && draft->carry(10));
        QVERIFY(there().contains(QStringLiteral("settings.env.10")) && !there().contains(QStringLiteral("settings.env.new")));
        QVERIFY(!draft->keep());
        QCOMPARE(readSavedSettings(path).values.at("MAX_HEADER_COUNT"), std::string("10"));
        QVERIFY(!hasSettingsDrafts(path));
    }

    void allProblemsAtOnce()
    {
        const LoadedSettings loaded = loadSettings(with({{"LISTEN_ADDR", "nonsense"}, {"AUDIT_ENABLED", "maybe"},
                                                         {"REQUEST_HEAD_TIMEOUT", "10 parsecs"}, {"MAX_REQUEST_SIZE", "big"},
                                                         {"MANAGEMENT_TOKEN", "tooshort-secret"}, {"ENCRYPTION_KEY", "notbase64"},
                                                         {"AUDIT_FILE_MODE", "0777"}, {"IP_RATE_LIMIT", "-1"}}));
        for (const char *name : {"LISTEN_ADDR", "AUDIT_ENABLED", "REQUEST_HEAD_TIMEOUT", "MAX_REQUEST_SIZE", "MANAGEMENT_TOKEN",
                                 "ENCRYPTION_KEY", "AUDIT_FILE_MODE", "IP_RATE_LIMIT"})
            QVERIFY2(complains(loaded, name), name);
        QCOMPARE(loaded.problems.size(), size_t{8});
        for (const SettingProblem &problem : loaded.problems) {
            QVERIFY(!problem.problem.empty());
            QVERIFY(problem.value.find("secret") == std::string::npos && problem.value.find("notbase64") == std::string::npos);
        }
    }

    void together()
    {
        QVERIFY(complains(loadSettings(with({{"LISTEN_ADDR", "0.0.0.0:8080"}})), "LISTEN_ADDR"));
        QVERIFY(loadSettings(with({{"LISTEN_ADDR", "0.0.0.0:8080"}, {"ALLOW_INSECURE_LISTEN", "yes"}})).problems.empty());
        QVERIFY(complains(loadSettings(with({{"AUDIT_LOG_FILE", ""}, {"AUDIT_STORE_IN_DB", "off"}})), "AUDIT_STORE_IN_DB"));
        QVERIFY(loadSettings(with({{"AUDIT_LOG_FILE", ""}, {"AUDIT_STORE_IN_DB", "off"}, {"AUDIT_ENABLED", "0"}})).problems.empty());
        QVERIFY(complains(loadSettings(with({{"API_CONFIG_PATH", "/does/not/exist"}})), "API_CONFIG_PATH"));
        QVERIFY(loadSettings(with({{"MANAGEMENT_TOKEN", goodToken}})).problems.empty());
    }

    // A setting whose feature waits is taken at its default or off value, and refused by name at any other.
    void waiting()
    {
        QVERIFY(complains(loadSettings(with({{"HTTP_CACHE_ENABLED", "true"}})), "HTTP_CACHE_ENABLED"));
        QVERIFY(loadSettings(with({{"HTTP_CACHE_ENABLED", "FALSE"}, {"TLS_MIN_VERSION", "1.2"}, {"AUDIT_RETENTION", "2160h"},
                                   {"AUDIT_FILE_RETENTION", "0"}, {"HTTP_CACHE_MAX_SIZE", "0"}})).problems.empty());
    }

    void rangesAreInUnitsThatPeopleUse()
    {
        const auto problemOf = [](const char *name, const char *value) { return settingProblem(name, value); };
        const std::string size = problemOf("AUDIT_MAX_FILE_SIZE", "100");
        for (const char *word : {"KB", "MB", "KiB", "MiB", "from 0 to 1024GiB"})
            QVERIFY2(size.find(word) != size.npos, size.c_str());
        QVERIFY(problemOf("AUDIT_MAX_FILE_SIZE", "0").empty() && problemOf("AUDIT_MAX_FILE_SIZE", "1024GiB").empty());
        QVERIFY(!problemOf("AUDIT_MAX_FILE_SIZE", "1025GiB").empty());
        QVERIFY(problemOf("MAX_HEADER_SIZE", "1").ends_with("from 1KiB to 1MiB"));
        QVERIFY(problemOf("REQUEST_HEAD_TIMEOUT", "2d").ends_with("from 10ms to 1h"));
        QVERIFY(problemOf("AUDIT_RETENTION", "x").ends_with("from 0 to 36600d"));
        QVERIFY(problemOf("LOG_MAX_AGE", "5d").empty() && problemOf("LOG_MAX_AGE", "0").empty());
        QCOMPARE(loadSettings(with({{"LOG_MAX_AGE", "36h"}})).settings.logMaxAgeMs, int64_t{36} * 3'600'000);
    }

    // Whatever a message or the reference says is accepted is accepted, at both ends, and nothing beyond them.
    void printedRangesAreTheRealOnes()
    {
        static const QRegularExpression range(QStringLiteral("from (\\d+)(\\w*) to (\\d+)(\\w*)")), reference(QStringLiteral("^(\\d+) to (\\d+)$"));
        int ranges = 0;
        for (const SettingDeclaration &setting : settingDeclarations()) {
            const QString said = QString::fromStdString(settingProblem(setting.name, "no value"));
            const auto found = range.match(said);
            if (!found.hasMatch() || setting.accepts == "rate")
                continue;
            ++ranges;
            const auto problem = [&](qint64 number, const QString &unit) { return settingProblem(setting.name, (QString::number(number) + unit).toStdString()); };
            const qint64 least = found.captured(1).toLongLong(), most = found.captured(3).toLongLong();
            const QString leastUnit = found.captured(2), mostUnit = found.captured(4);
            QVERIFY2(problem(least, leastUnit).empty() && problem(most, mostUnit).empty(), setting.name.c_str());
            QVERIFY2(!problem(most + 1, mostUnit).empty() && (least == 0 || !problem(least - 1, leastUnit).empty()), setting.name.c_str());
            if (const auto words = reference.match(QString::fromStdString(setting.accepts)); words.hasMatch())
                QVERIFY2(words.captured(1).toLongLong() == least && words.captured(2).toLongLong() == most, setting.name.c_str());
        }
        QVERIFY(ranges >= 30);
        for (const char *rate : {"0", "1/m", "1/s", "1000000/m", "1000000/s"})
            QVERIFY2(settingProblem("IP_RATE_LIMIT", rate).empty(), rate);
        for (const char *rate : {"0.5/m", "1000001/m", "1000001/s"})
            QVERIFY2(!settingProblem("IP_RATE_LIMIT", rate).empty(), rate);
    }

    void anEmptyValueThatCouldMeanOffIsAnError()
    {
        QVERIFY(complains(loadSettings(with({{"AUDIT_STORE_IN_DB", ""}})), "AUDIT_STORE_IN_DB"));
        QVERIFY(complains(loadSettings(with({{"AUDIT_STORE_IN_DB", "\"\""}})), "AUDIT_STORE_IN_DB"));
        QVERIFY(loadSettings(with({{"AUDIT_MASK_CLIENT_IP", ""}, {"AUDIT_LOG_FILE", ""}})).problems.empty());
    }

    void whateverIsSetOfTlsIsChecked()
    {
        for (const char *name : {"TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CIPHERS"}) {
            SettingSources sources = with({{name, "/not/there"}});
            bool isAsked = false;
            sources.tlsProblem = [&](const Settings &) -> std::optional<SettingProblem> {
                isAsked = true;
                return SettingProblem{name, "/not/there", "wrong"};
            };
            QVERIFY2(complains(loadSettings(sources), name), name);
            QVERIFY2(isAsked, name);
        }
    }

    void proxies()
    {
        for (const char *good : {"http://proxy.example:3128", "socks5h://u:p@[::1]:1080", "proxy.example:3128", "https://10.0.0.1"})
            QVERIFY2(loadSettings(with({{"HTTPS_PROXY", good}})).problems.empty(), good);
        for (const char *wrong : {"ftp://proxy", "http://", "http://:80", "http://proxy:0", "http://proxy:port", "http://a b"})
            QVERIFY2(complains(loadSettings(with({{"HTTPS_PROXY", wrong}})), "HTTPS_PROXY"), wrong);
        QVERIFY(complains(loadSettings(with({{"HTTP_PROXY", "ftp://proxy"}})), "HTTP_PROXY"));
        QVERIFY(complains(loadSettings(with({{"ALL_PROXY", "ftp://proxy"}})), "ALL_PROXY"));
    }

    // What a Host header can be, and the ends of one; a value that nothing matches says so instead of keeping silent.
    void hostNames()
    {
        const Settings s = loadSettings(with({{"ALLOWED_HOSTS", "LLM.example., *.ts.net, .lan.example, a_b-c.example, *"}})).settings;
        QCOMPARE(s.allowedHosts, (std::vector<std::string>{"llm.example", ".ts.net", ".lan.example", "a_b-c.example", "*"}));
        for (const char *wrong : {"https://llm.example", "llm.example:8080", "llm.example/", "*llm.example", "llm.*", "a.*.example", "*.", ".", "..", "a..b", "*.*",
                                  "user@a", "m\u00fcnchen.example", "[::1]", "%41", "a,,*x"})
            QVERIFY2(complains(loadSettings(with({{"ALLOWED_HOSTS", wrong}})), "ALLOWED_HOSTS"), wrong);
    }

    void originsOfPages()
    {
        const Settings s = loadSettings(with({{"CORS_ALLOWED_ORIGINS", "https://App.example,null,file://,app://obsidian.md"}})).settings;
        QCOMPARE(s.corsOrigins, (std::vector<std::string>{"https://app.example", "null", "file://", "app://obsidian.md"}));
        for (const char *wrong : {"https://a/b", "nul", "file:///home", "https://", "*.example"})
            QVERIFY2(complains(loadSettings(with({{"CORS_ALLOWED_ORIGINS", wrong}})), "CORS_ALLOWED_ORIGINS"), wrong);
    }

    void headerOfTheClientsAddress()
    {
        QCOMPARE(loadSettings(with({})).settings.clientAddressHeader, std::string("x-forwarded-for"));
        QCOMPARE(loadSettings(with({{"CLIENT_ADDRESS_HEADER", "x-real-IP"}})).settings.clientAddressHeader, std::string("x-real-ip"));
        QCOMPARE(loadSettings(with({{"CLIENT_ADDRESS_HEADER", "Forwarded"}})).settings.clientAddressHeader, std::string("forwarded"));
        QVERIFY(complains(loadSettings(with({{"CLIENT_ADDRESS_HEADER", "CF-Connecting-IP"}})), "CLIENT_ADDRESS_HEADER"));
    }

    // As curl reads them: lower case first, ALL_PROXY where the scheme has none of its own, empty is not set.
    void proxiesOfTheEnvironment()
    {
        const auto chosen = [this](SettingTexts environment) {
            const Settings s = loadSettings(with(std::move(environment))).settings;
            return s.httpsProxy + " " + s.httpProxy + " " + s.noProxy;
        };
        QCOMPARE(chosen({{"HTTPS_PROXY", "s:1"}, {"HTTP_PROXY", "p:1"}, {"NO_PROXY", "a.test"}}), std::string("s:1 p:1 a.test"));
        QCOMPARE(chosen({{"https_proxy", "s:2"}, {"http_proxy", "p:2"}, {"no_proxy", "b.test"}}), std::string("s:2 p:2 b.test"));
        QCOMPARE(chosen({{"https_proxy", "s:2"}, {"HTTPS_PROXY", "s:1"}, {"no_proxy", "b.test"}, {"NO_PROXY", "a.test"}}), std::string("s:2  b.test"));
        QCOMPARE(chosen({{"ALL_PROXY", "a:1"}}), std::string("a:1 a:1 "));
        QCOMPARE(chosen({{"all_proxy", "a:2"}, {"http_proxy", "p:2"}}), std::string("a:2 p:2 "));
        QCOMPARE(chosen({{"https_proxy", ""}, {"HTTPS_PROXY", "s:1"}}), std::string("s:1  "));
    }

    void values()
    {
        QCOMPARE(parseDurationMs("500ms").value_or(-1), int64_t{500});
        QCOMPARE(parseDurationMs("30s").value_or(-1), int64_t{30'000});
        QCOMPARE(parseDurationMs("15m").value_or(-1), int64_t{900'000});
        QCOMPARE(parseDurationMs("2h").value_or(-1), int64_t{7'200'000});
        QCOMPARE(parseDurationMs("30d").value_or(-1), int64_t{2'592'000'000});
        for (const char *bad : {"", "s", "-1s", "1.5h", "1 h", "1w", "99999999999999999999d", "0x1s"})
            QVERIFY2(!parseDurationMs(bad), bad);
        QCOMPARE(parseSize("64KiB").value_or(-1), int64_t{65'536});
        QCOMPARE(parseSize("10MB").value_or(-1), int64_t{10'000'000});
        QCOMPARE(parseSize("0").value_or(-1), int64_t{0});
        for (const char *bad : {"", "KB", "-1MB", "1.5MB", "1QB", "99999999999999999999", "100", "65536"})
            QVERIFY2(!parseSize(bad), bad);
        for (const char *yes : {"true", "1", "yes", "on", "TRUE", "On"})
            QVERIFY2(parseBool(yes).value_or(false), yes);
        for (const char *no : {"false", "0", "no", "off", "False"})
            QVERIFY2(!parseBool(no).value_or(true), no);
        for (const char *bad : {"", "2", "y", "enabled", " true"})
            QVERIFY2(!parseBool(bad), bad);
        QCOMPARE(parseRatePerMinute("600/m").value_or(-1), 600);
        QCOMPARE(parseRatePerMinute("10/s").value_or(-1), 600);
        QCOMPARE(parseRatePerMinute("0").value_or(-1), 0);
        for (const char *bad : {"", "/m", "-5/m", "5/d", "5 /m"})
            QVERIFY2(!parseRatePerMinute(bad), bad);
    }

    void everySettingOfTheContractIsDeclared()
    {
        const auto &all = settingDeclarations();
        for (const char *name : {"LISTEN_ADDR", "DATA_DIR", "DATABASE_PATH", "MANAGEMENT_TOKEN", "MANAGEMENT_ALLOWED_IPS", "ENCRYPTION_KEY",
                                 "ENCRYPTION_KEY_FILE", "AUDIT_ENABLED", "AUDIT_LOG_FILE", "AUDIT_FILE_MODE", "AUDIT_ON_ERROR", "AUDIT_CREATE_DIR",
                                 "AUDIT_STORE_IN_DB", "AUDIT_MASK_CLIENT_IP", "AUDIT_MASK_UNPREFIXED", "AUDIT_RETENTION", "AUDIT_MAX_FILE_SIZE",
                                 "AUDIT_FILE_RETENTION", "AUDIT_FSYNC", "LOG_LEVEL", "LOG_FORMAT", "LOG_FILE", "LOG_MAX_SIZE_MB", "LOG_MAX_BACKUPS",
                                 "LOG_MAX_AGE", "TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_MIN_VERSION", "TLS_CIPHERS", "HTTP_LISTEN_ADDR", "ACME_WEBROOT",
                                 "TRUSTED_PROXIES", "CLIENT_ADDRESS_HEADER", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "REQUEST_HEAD_TIMEOUT", "REQUEST_BODY_TIMEOUT",
                                 "KEEPALIVE_TIMEOUT", "UPSTREAM_CONNECT_TIMEOUT", "UPSTREAM_FIRST_BYTE_TIMEOUT", "UPSTREAM_IDLE_TIMEOUT",
                                 "MAX_HEADER_SIZE", "MAX_HEADER_COUNT", "MAX_REQUEST_SIZE", "MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_IP",
                                 "TOKEN_MAX_LIFETIME", "TOKEN_DEFAULT_LIFETIME", "TOKEN_DEFAULT_RATE_LIMIT", "PROVIDER_KEY_MAX_AGE",
                                 "MANAGEMENT_TOKEN_MAX_AGE", "IP_RATE_LIMIT", "AUTH_FAILURE_LIMIT", "API_CONFIG_PATH", "ENGINE_THREADS",
                                 "HTTP_CACHE_ENABLED", "HTTP_CACHE_MAX_SIZE", "HTTP_CACHE_DEFAULT_TTL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE",
                                 "MAX_TARGET_SIZE", "MAX_INSPECTED_BODY", "CLIENT_WRITE_TIMEOUT", "SECRETS_DIR", "ALLOW_INSECURE_UPSTREAM", "ALLOW_LINK_LOCAL_UPSTREAM"}) {
            const auto found = std::find_if(all.begin(), all.end(), [&](const SettingDeclaration &one) { return one.name == name; });
            QVERIFY2(found != all.end(), name);
            QVERIFY2(!found->meaning.empty() && !found->accepts.empty(), name);
            QCOMPARE(flagOf(*found).empty(), found->secret);
            QVERIFY2(!found->group.empty(), name);
        }
    }

    void webhooksAndAnchorsAreJudgedAsHosts()
    {
        const auto refused = [](const std::string &address, const char *linkLocal = "false") {
            const LoadedSettings loaded = loadSettings(with({{"ALERT_WEBHOOKS", address}, {"AUDIT_ANCHORS", "syslog," + address}, {"ALLOW_LINK_LOCAL_UPSTREAM", linkLocal}}));
            return complains(loaded, "ALERT_WEBHOOKS") && complains(loaded, "AUDIT_ANCHORS");
        };
        for (const char *bad : {"http://127.evil.example/x", "http://127.0.0.1.evil.example", "http://localhost.evil.example:80/", "http://10.0.0.1/",
                                "https://169.254.169.254/x", "https://0xA9FEA9FE:8443/x", "https://[fd00:ec2::254]/", "https://169.254.1.1/"})
            QVERIFY2(refused(bad), bad);
        QVERIFY(refused("https://169.254.169.254/x", "true"));
        for (const char *good : {"http://127.0.0.1:9000/x", "http://[::1]:9000/x", "http://localhost/x", "https://hooks.example/x?token=1", "https://10.0.0.1/x"})
            QVERIFY2(loadSettings(with({{"ALERT_WEBHOOKS", good}, {"AUDIT_ANCHORS", good}})).problems.empty(), good);
        QVERIFY(loadSettings(with({{"ALERT_WEBHOOKS", "https://169.254.1.1/"}, {"ALLOW_LINK_LOCAL_UPSTREAM", "true"}})).problems.empty());
    }

    void choicesAreWhatIsAccepted()
    {
        int withChoices = 0;
        for (const SettingRow &row : settingRows()) {
            const std::vector<std::string> choices = choicesOf(row);
            withChoices += choices.empty() ? 0 : 1;
            for (const std::string &choice : choices) {
                Settings settings;
                QVERIFY2(row.store(choice, settings).empty(), (row.name + " refuses " + choice).c_str());
                QVERIFY2(!row.store(choice + "x", settings).empty(), row.name.c_str());
            }
            const bool isNormal = std::find(choices.begin(), choices.end(), row.defaultText) != choices.end();
            QVERIFY2(choices.empty() || row.defaultText.empty() || isNormal, row.name.c_str());
        }
        QVERIFY(withChoices > 15);
        QCOMPARE(choicesOf(*settingNamed("AUDIT_FSYNC")), (std::vector<std::string>{"management", "always", "never"}));
        QVERIFY(choicesOf(*settingNamed("AUDIT_LOG_FILE")).empty());
    }
};

REGISTER_TEST(TstSettings)
#include "tst_settings.moc"
