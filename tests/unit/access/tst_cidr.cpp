// SPDX-License-Identifier: GPL-3.0-only
#include "access/cidr.h"
#include "test_registry.h"

using namespace llmproxy;

class TstCidr : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void contains_data()
    {
        QTest::addColumn<QString>("network");
        QTest::addColumn<QString>("address");
        QTest::addColumn<bool>("inside");
        const auto row = [](const char *network, const char *address, bool inside) {
            QTest::addRow("%s %s", network, address) << QString::fromLatin1(network) << QString::fromLatin1(address) << inside;
        };
        row("10.0.0.0/8", "10.255.0.1", true);
        row("10.0.0.0/8", "11.0.0.1", false);
        row("10.0.0.0/8", "::ffff:10.0.0.1", true);
        row("192.168.1.4", "192.168.1.4", true);
        row("192.168.1.4", "192.168.1.5", false);
        row("0.0.0.0/0", "8.8.8.8", true);
        row("0.0.0.0/0", "2001:db8::1", false);
        row("::1", "::1", true);
        row("2001:db8::/32", "2001:db8:ffff::1", true);
        row("2001:db8::/33", "2001:db8:ffff::1", false);
        row("127.0.0.0/31", "127.0.0.1", true);
        row("127.0.0.0/31", "127.0.0.2", false);
    }

    void contains()
    {
        QFETCH(const QString, network);
        QFETCH(const QString, address);
        QFETCH(const bool, inside);
        const auto cidr = Cidr::parse(network.toStdString());
        const auto ip = IpAddress::parse(address.toStdString());
        QVERIFY(cidr && ip);
        QCOMPARE(cidr->contains(*ip), inside);
    }

    void hosts_data()
    {
        QTest::addColumn<QString>("host");
        QTest::addColumn<QString>("address"); // empty: a name
        const auto row = [](const char *host, const char *address) { QTest::newRow(host) << QString::fromLatin1(host) << QString::fromLatin1(address); };
        row("127.0.0.1", "127.0.0.1");
        row("127.0.0.1.", "127.0.0.1");
        row("2130706433", "127.0.0.1");
        row("0x7f000001", "127.0.0.1");
        row("0x7f.1", "127.0.0.1");
        row("017700000001", "127.0.0.1");
        row("127.1", "127.0.0.1");
        row("0251.0376.0251.0376", "169.254.169.254");
        row("0xA9FEA9FE", "169.254.169.254");
        row("::1", "::1");
        row("[::1]", "::1");
        row("[fe80::1%25eth0]", "fe80::1");
        row("::ffff:169.254.169.254", "169.254.169.254");
        row("127.evil.example", "");
        row("127.0.0.1.evil.example", "");
        row("localhost", "");
        row("0x7g", "");
        row("1.2.3.4.5", "");
        row("256.1.1.1", "");
        row("127.0.0.1 x", "");
        row("", "");
        row(".", "");
    }

    void hosts()
    {
        QFETCH(const QString, host);
        const auto address = IpAddress::parseHost(host.toStdString());
        QTEST(address ? QString::fromStdString(address->toString()) : QString(), "address");
    }

    void refuses()
    {
        for (const char *bad : {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "example.com", "1.2.3.4/ 8", "10.0.0.0/08x"})
            QVERIFY2(!Cidr::parse(bad), bad);
        for (const char *bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", "::1%lo", "1.2.3.4:80", "01.2.3.4x"})
            QVERIFY2(!IpAddress::parse(bad), bad);
    }

    void kinds()
    {
        QVERIFY(IpAddress::parse("127.3.2.1")->isLoopback() && IpAddress::parse("::1")->isLoopback());
        QVERIFY(IpAddress::parse("::ffff:127.0.0.1")->isLoopback());
        QVERIFY(!IpAddress::parse("128.0.0.1")->isLoopback());
        QCOMPARE(IpAddress::parse("::ffff:1.2.3.4")->toString(), std::string("1.2.3.4"));
        QCOMPARE(IpAddress::parse("2001:DB8:0::1")->toString(), std::string("2001:db8::1"));
    }
};

REGISTER_TEST(TstCidr)
#include "tst_cidr.moc"
