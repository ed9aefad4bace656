// SPDX-License-Identifier: GPL-3.0-only
// Whether agents can read the keys: which accounts are a service's own, and what keeps `llm-proxy run` from isolating its command.
#include "manage/doctor_agents.h"
#include "test_registry.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <sys/stat.h>
#include <unistd.h>

using namespace llmproxy;

class TstDoctorAgents : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void accounts_data()
    {
        QTest::addColumn<uint>("user");
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("shell");
        QTest::addColumn<bool>("isOwn");
        const auto row = [](const char *what, uint user, const char *name, const char *shell, bool isOwn) {
            QTest::newRow(what) << user << QString::fromUtf8(name) << QString::fromUtf8(shell) << isOwn;
        };
        row("person", 1000, "anna", "/bin/bash", false);
        row("account without a shell entry, which is /bin/sh", 998, "proxy", "", false);
        row("system account", 998, "llm-proxy", "/usr/sbin/nologin", true);
        row("old form", 998, "llm-proxy", "/bin/false", true);
        row("a shell that is called like it", 998, "llm-proxy", "/opt/nologin-not/sh", false);
        row("root", 0, "root", "/bin/bash", false);
        row("root without a shell", 0, "root", "/usr/sbin/nologin", false);
        row("shared", 65534, "nobody", "/usr/sbin/nologin", false);
        row("DynamicUser without nss-systemd", 61184, "", "", true);
        row("DynamicUser with it", 65519, "llm-proxy", "/usr/sbin/nologin", true);
        row("below DynamicUser", 61183, "", "", false);
        row("above it", 65520, "", "", false);
        row("a person with such an id", 62000, "anna", "/bin/bash", false);
    }

    void accounts()
    {
        AgentFacts facts = person();
        QFETCH(uint, user);
        QFETCH(QString, name);
        QFETCH(QString, shell);
        QFETCH(bool, isOwn);
        facts.user = user;
        facts.userName = name.toStdString();
        facts.shell = shell.toStdString();
        const DoctorItem found = checkAgents([&] { return facts; });
        QCOMPARE(found.state, isOwn ? DoctorState::Pass : DoctorState::Warn);
        QCOMPARE(found.fix.empty(), isOwn);
        QVERIFY(found.evidence.find(name.isEmpty() ? std::to_string(facts.user) : facts.userName) != std::string::npos);
    }

    void whatIsolationNeeds()
    {
        AgentFacts facts = person();
        const auto fix = [&facts] { return checkAgents([&facts] { return facts; }).fix; };
        const std::string usable = fix();
        QVERIFY(usable.find("llm-proxy run") != std::string::npos && usable.find("a user of its own") != std::string::npos);
        QVERIFY(usable.find("It needs") == std::string::npos);
        facts.appArmorRestriction = "1";
        QVERIFY(fix().find("kernel.apparmor_restrict_unprivileged_userns") != std::string::npos);
        facts.unprivilegedNamespaces = "0";
        QVERIFY(fix().find("kernel.unprivileged_userns_clone") != std::string::npos);
        facts.maxUserNamespaces = "0";
        QVERIFY(fix().find("user.max_user_namespaces") != std::string::npos);
        facts.hasBubblewrap = false;
        QVERIFY(fix().find("the package bubblewrap") != std::string::npos);
        facts = person();
        facts.unprivilegedNamespaces = "0";
        facts.appArmorRestriction = "1";
        facts.user = 0; // neither of them restricts root
        QCOMPARE(fix(), usable);
    }

    void theyAreFoundOnTheMachine()
    {
        const QTemporaryDir folder;
        const std::string root = folder.path().toStdString();
        AgentPlaces places{root + "/sys", "relative:" + root + "/none:" + root + "/bin"};
        AgentFacts facts = agentFacts(places);
        QCOMPARE(facts.user, geteuid());
        QVERIFY(!facts.hasBubblewrap && facts.maxUserNamespaces.empty() && facts.unprivilegedNamespaces.empty() && facts.appArmorRestriction.empty());
        write(folder, "bin/bwrap", "#!/bin/sh\n", 0644);
        QVERIFY(!agentFacts(places).hasBubblewrap);
        write(folder, "bin/bwrap", "#!/bin/sh\n", 0755);
        write(folder, "sys/user/max_user_namespaces", "0\n");
        write(folder, "sys/kernel/unprivileged_userns_clone", "1\n");
        write(folder, "sys/kernel/apparmor_restrict_unprivileged_userns", "2\n");
        facts = agentFacts(places);
        QVERIFY(facts.hasBubblewrap);
        QCOMPARE(facts.maxUserNamespaces, std::string("0"));
        QCOMPARE(facts.unprivilegedNamespaces, std::string("1"));
        QCOMPARE(facts.appArmorRestriction, std::string("2"));
    }

private:
    static AgentFacts person() { return {1000, "anna", "/bin/bash", true, "63000", "1", "0"}; }

    static void write(const QTemporaryDir &folder, const char *name, const char *text, mode_t mode = 0644)
    {
        const QString path = folder.filePath(QLatin1String(name));
        QVERIFY(QDir().mkpath(QFileInfo(path).path()));
        QFile file(path);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(text);
        file.close();
        QCOMPARE(chmod(path.toUtf8().constData(), mode), 0);
    }
};

REGISTER_TEST(TstDoctorAgents)
#include "tst_doctor_agents.moc"
