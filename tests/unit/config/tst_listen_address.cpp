// SPDX-License-Identifier: GPL-3.0-only
// What LISTEN_ADDR accepts, and what is derived from it.
#include "settings_fixture.h"
#include "test_registry.h"

using namespace llmproxy;
using namespace llmproxy::test;

namespace {

ListenAddresses listOf(const std::string &value)
{
    ListenAddresses all;
    const std::string problem = readListenAddresses(value, &all);
    return problem.empty() ? all : ListenAddresses();
}

std::string othersOf(const std::string &value)
{
    return listenText(forOtherMachines(listOf(value)));
}

} // namespace

class TstListenAddress : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void isReadAndWritten_data()
    {
        QTest::addColumn<std::string>("value");
        QTest::addColumn<std::string>("text");
        QTest::newRow("one") << std::string("127.0.0.1:8080") << std::string("127.0.0.1:8080");
        QTest::newRow("two") << std::string("127.0.0.1:1 ,\t[::1]:65535") << std::string("127.0.0.1:1,[::1]:65535");
        QTest::newRow("spelling") << std::string("[0:0::0001]:0") << std::string("[::1]:0");
        QTest::newRow("mapped") << std::string("[::ffff:127.0.0.1]:80") << std::string("127.0.0.1:80");
        QTest::newRow("name") << std::string("LocalHost:1,my_host.Example.:2") << std::string("localhost:1,my_host.example:2");
        QTest::newRow("both wildcards") << std::string("0.0.0.0:80,[::]:80") << std::string("0.0.0.0:80,[::]:80");
        QTest::newRow("two ports") << std::string("[::]:80,[::]:81") << std::string("[::]:80,[::]:81");
    }

    void isReadAndWritten()
    {
        QFETCH(const std::string, value);
        QFETCH(const std::string, text);
        QCOMPARE(listenText(listOf(value)), text);
        QCOMPARE(settingProblem("LISTEN_ADDR", value), std::string());
    }

    void mistakesAreNamed_data()
    {
        QTest::addColumn<std::string>("value");
        QTest::addColumn<std::string>("begin");
        const auto row = [](const char *value, const char *begin) { QTest::newRow(value) << std::string(value) << std::string(begin); };
        row("127.0.0.1:1,", "entry 2 is empty;");
        row("127.0.0.1:1,,[::1]:1", "entry 2 is empty;");
        row("", "a list of addresses or names with ports is accepted");
        row(" ", "entry 1 is empty;");
        row("127.0.0.1", "\"127.0.0.1\" has no port;");
        row("[::1]", "\"[::1]\" has no port;");
        row("[::1]8080", "\"[::1]8080\" has no port;");
        row("[::1:8080", "\"[::1:8080\" has no closing bracket;");
        row("::1:8080", "\"::1:8080\": an IPv6 address is written in brackets");
        row("[127.0.0.1]:80", "\"[127.0.0.1]:80\": only an IPv6 address");
        row("[]:80", "\"[]:80\" has no address;");
        row(":8080", "\":8080\" has no address;");
        row("127.0.0.1:65536", "\"127.0.0.1:65536\": the port is a number from 0 to 65535;");
        row("127.0.0.1:-1", "\"127.0.0.1:-1\": the port");
        row("127.0.0.1:", "\"127.0.0.1:\": the port");
        row("127.0.0.1:http", "\"127.0.0.1:http\": the port");
        row("*:80", "\"*:80\": \"*\" is neither");
        row("127.1:80", "\"127.1:80\": \"127.1\" is neither"); // what the system would find
        row("0x7f000001:80", "\"0x7f000001:80\": ");
        row("[fe80::1%eth0]:80", "\"[fe80::1%eth0]:80\": ");
        row("a..b:80", "\"a..b:80\": ");
        row("[::1]:1,[0::1]:1", "\"[0::1]:1\" is listed twice;");
        row("localhost:1,LOCALHOST.:1", "\"LOCALHOST.:1\" is listed twice;");
    }

    void mistakesAreNamed()
    {
        QFETCH(const std::string, value);
        QFETCH(const std::string, begin);
        const std::string problem = settingProblem("LISTEN_ADDR", value);
        QVERIFY2(problem.starts_with(begin), problem.c_str());
        QCOMPARE(settingProblem("HTTP_LISTEN_ADDR", value).empty(), value.empty()); // which is optional
    }

    void allMistakesAtOnce()
    {
        const std::string problem = settingProblem("LISTEN_ADDR", "nowhere,127.0.0.1:1,:2");
        QVERIFY2(problem.starts_with("\"nowhere\" has no port; \":2\" has no address;") && problem.ends_with("or localhost:8080"), problem.c_str());
    }

    void othersReachWhatIsNotLoopback()
    {
        QCOMPARE(othersOf("127.0.0.1:1,[::1]:1,localhost:1,127.9.9.9:1"), std::string());
        QCOMPARE(othersOf("127.0.0.1:1,0.0.0.0:2,[::]:3,192.0.2.1:4"), std::string("0.0.0.0:2,[::]:3,192.0.2.1:4"));
        QCOMPARE(othersOf("name.test:1"), std::string("name.test:1")); // until it was looked up
    }

    void theUrlIsTheNearest()
    {
        const auto url = [](const char *value, bool tls) { return localUrl(listOf(value), tls); };
        QCOMPARE(url("127.0.0.1:1", false), std::string("http://127.0.0.1:1"));
        QCOMPARE(url("192.0.2.1:1,[::1]:2", false), std::string("http://[::1]:2"));
        QCOMPARE(url("192.0.2.1:1,[::]:2", false), std::string("http://127.0.0.1:2"));
        QCOMPARE(url("0.0.0.0:1,127.0.0.2:2", false), std::string("http://127.0.0.2:2"));
        QCOMPARE(url("192.0.2.1:1", false), std::string("http://192.0.2.1:1"));
        QCOMPARE(url("name.test:1,127.0.0.1:2", false), std::string("http://127.0.0.1:2"));
        QCOMPARE(url("127.0.0.1:2,name.test:1", true), std::string("https://name.test:1")); // the certificate's
        QCOMPARE(url("localhost:3", true), std::string("https://127.0.0.1:3"));
        QCOMPARE(localUrl({}, false), std::string());
    }

    void onFreePortsEachHostIsThereOnce()
    {
        QCOMPARE(listenText(onFreePorts(listOf("127.0.0.1:1,127.0.0.1:2,localhost:3"))), std::string("127.0.0.1:0,localhost:0"));
    }

    // Only where a server starts: a command does not wait for a name server.
    void namesAreLookedUpWhereAServerStarts()
    {
        SettingSources sources = with({{"LISTEN_ADDR", "127.0.0.1:1,name.test:2,gone.test:3"}});
        LoadedSettings loaded = loadSettings(sources);
        QVERIFY(loaded.problems.empty());
        QVERIFY(loaded.settings.listen[1].addresses.empty());
        std::vector<std::string> asked;
        sources.lookUp = [&asked](const std::string &name) {
            asked.push_back(name);
            return name == "name.test" ? std::vector<IpAddress>{*IpAddress::parse("127.0.1.1"), *IpAddress::parse("192.0.2.7")} : std::vector<IpAddress>();
        };
        loaded = loadSettings(sources);
        QCOMPARE(asked, (std::vector<std::string>{"name.test", "gone.test"}));
        QCOMPARE(loaded.problems.size(), size_t{2});
        QVERIFY2(loaded.problems[0].problem.starts_with("the name gone.test cannot be resolved"), loaded.problems[0].problem.c_str());
        QVERIFY2(loaded.problems[1].problem.find("in clear to 192.0.2.7:2;") != std::string::npos, loaded.problems[1].problem.c_str());
    }
};

REGISTER_TEST(TstListenAddress)
#include "tst_listen_address.moc"
