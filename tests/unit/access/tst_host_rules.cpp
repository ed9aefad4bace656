// SPDX-License-Identifier: GPL-3.0-only
#include "access/host_rules.h"
#include "test_registry.h"

using namespace llmproxy;

Q_DECLARE_METATYPE(llmproxy::Reach)

class TstHostRules : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void reach_data();
    void reach();
    void verdicts();
    void names();
};

void TstHostRules::reach_data()
{
    QTest::addColumn<QString>("host");
    QTest::addColumn<Reach>("expected");
    const auto rows = [](Reach reach, std::initializer_list<const char *> hosts) {
        for (const char *host : hosts)
            QTest::newRow(host) << QString::fromLatin1(host) << reach;
    };
    rows(Reach::Metadata, {"169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "fd00:ec2::254",
                           "::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110",
                           "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::1", "2001:0:1234::5601:5601", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376",
                           "169.254.43518", "0xa9.0xfe.0xa9.0xfe", "169.254.169.254."});
    rows(Reach::LinkLocal, {"169.254.0.1", "169.254.255.255", "fe80::1", "febf::1", "[fe80::1%25eth0]", "::ffff:169.254.1.1", "64:ff9b::a9fe:1", "2002:a9fe:1::"});
    rows(Reach::Loopback, {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "0", "0x7f.1"});
    rows(Reach::Private, {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"});
    rows(Reach::Public, {"8.8.8.8", "172.32.0.1", "172.15.0.1", "11.0.0.1", "128.0.0.1", "169.253.1.1", "169.255.1.1", "168.63.129.17", "2001:db8::1", "fec0::1",
                         "64:ff9b::808:808", "64:ff9b::a00:1", "2002:a00:1::"});
}

void TstHostRules::reach()
{
    QFETCH(const QString, host);
    QFETCH(const Reach, expected);
    const auto address = IpAddress::parseHost(host.toStdString());
    QVERIFY(address.has_value());
    QCOMPARE(int(reachOf(*address)), int(expected));
}

void TstHostRules::verdicts()
{
    const auto judged = [](const char *host, bool isPlain, const HostRules &rules) { return judgeHost(std::string_view(host), isPlain, rules); };
    for (const bool isPlain : {false, true}) {
        for (const HostRules &rules : {HostRules{false, false}, HostRules{true, true}})
            QVERIFY(judged("169.254.169.254", isPlain, rules) == HostVerdict::Metadata);
        QVERIFY(judged("169.254.1.1", isPlain, {false, true}) == HostVerdict::LinkLocal);
        QVERIFY(judged("169.254.1.1", isPlain, {true, false}) == HostVerdict::Allowed);
        QVERIFY(judged("10.0.0.1", isPlain, {}) == HostVerdict::Allowed);
        QVERIFY(judged("127.0.0.1", isPlain, {}) == HostVerdict::Allowed);
        QVERIFY(judged("name.example", isPlain, {}) == HostVerdict::Allowed); // by what it resolves to
    }
    QVERIFY(judged("8.8.8.8", false, {}) == HostVerdict::Allowed);
    QVERIFY(judged("8.8.8.8", true, {}) == HostVerdict::Insecure);
    QVERIFY(judged("8.8.8.8", true, {false, true}) == HostVerdict::Allowed);
}

void TstHostRules::names()
{
    for (const char *here : {"localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.1", "[::1]", "::1", "2130706433"})
        QVERIFY2(isThisMachine(here), here);
    for (const char *elsewhere : {"127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "xlocalhost", ".localhost", "10.0.0.1", "[::2]", "", "128.1"})
        QVERIFY2(!isThisMachine(elsewhere), elsewhere);
}

REGISTER_TEST(TstHostRules)
#include "tst_host_rules.moc"
