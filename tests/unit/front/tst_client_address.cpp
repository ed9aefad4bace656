// SPDX-License-Identifier: GPL-3.0-only
// Ruling 61: one header names the client, from trusted proxies alone.
#include "test_registry.h"

#include "front/client_address.h"
#include "front/fetch_metadata.h"

using namespace llmproxy;

class TstClientAddress : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void clients_data();
    void clients();
    void aPrivateListenerHasNoProxy();
    void forwarded();
    void origins();
};

void TstClientAddress::clients_data()
{
    QTest::addColumn<QString>("from"); // the connection's peer
    QTest::addColumn<QString>("setting");
    QTest::addColumn<QString>("headers"); // "Name: value|Name: value"
    QTest::addColumn<QString>("client");  // and what is known of it: F forwarded, U not to be trusted, O another header
    const auto row = [](const char *from, const char *setting, const char *headers, const char *client) {
        QTest::addRow("%s %s %s", from, setting, headers) << QString::fromLatin1(from) << QString::fromLatin1(setting) << QString::fromLatin1(headers) << QString::fromLatin1(client);
    };
    row("10.0.0.1", "x-forwarded-for", "", "10.0.0.1 ");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 203.0.113.7", "203.0.113.7 F");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.0.0.9", "203.0.113.7 F");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 1.1.1.1|X-Forwarded-For: 203.0.113.7", "203.0.113.7 F");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 10.0.0.8, 10.0.0.9", "10.0.0.8 F");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 203.0.113.7:4711", "203.0.113.7 F");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: [2001:db8::7]:4711", "2001:db8::7 F");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 203.0.113.7, unknown", "10.0.0.1 U");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: unknown, 10.0.0.9", "10.0.0.9 FU");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: ", "10.0.0.1 U");
    row("192.0.2.1", "x-forwarded-for", "X-Forwarded-For: 203.0.113.7", "192.0.2.1 U");
    row("192.0.2.1", "x-real-ip", "X-Real-IP: 203.0.113.7", "192.0.2.1 U");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 203.0.113.7|X-Real-IP: 1.1.1.1|Forwarded: for=1.1.1.1", "203.0.113.7 F");
    row("10.0.0.1", "x-real-ip", "X-Forwarded-For: 1.1.1.1|X-Real-IP: 203.0.113.7", "203.0.113.7 F");
    row("10.0.0.1", "x-forwarded-for", "X-Real-IP: 203.0.113.7", "10.0.0.1 UO");
    row("10.0.0.1", "x-real-ip", "X-Forwarded-For: 203.0.113.7", "10.0.0.1 UO");
    row("10.0.0.1", "forwarded", "X-Forwarded-For: 203.0.113.7", "10.0.0.1 UO");
    row("10.0.0.1", "forwarded", "Forwarded: for=203.0.113.7;proto=https", "203.0.113.7 F");
    row("10.0.0.1", "forwarded", "Forwarded: for=1.1.1.1, FOR=\"[2001:db8::7]:4711\";by=\"a,b\"", "2001:db8::7 F");
    row("10.0.0.1", "forwarded", "Forwarded: for=203.0.113.7, for=10.0.0.9", "203.0.113.7 F");
    row("10.0.0.1", "forwarded", "Forwarded: for=_hidden", "10.0.0.1 U");
    row("10.0.0.1", "forwarded", "Forwarded: proto=https", "10.0.0.1 U");
    row("10.0.0.1", "forwarded", "Forwarded: for=1.1.1.1;for=2.2.2.2", "10.0.0.1 U");
    row("10.0.0.1", "x-forwarded-for", "X-Forwarded-For: 127.0.0.1", "127.0.0.1 F");
    // What sockets for both families show of IPv4, ours and the proxy's.
    row("::ffff:10.0.0.1", "x-forwarded-for", "X-Forwarded-For: ::ffff:203.0.113.7, ::ffff:10.0.0.9", "203.0.113.7 F");
    row("::ffff:10.0.0.1", "forwarded", "Forwarded: for=\"[::ffff:203.0.113.7]:4711\"", "203.0.113.7 F");
    row("::ffff:192.0.2.1", "x-forwarded-for", "X-Forwarded-For: 203.0.113.7", "192.0.2.1 U");
}

void TstClientAddress::clients()
{
    QFETCH(const QString, from);
    QFETCH(const QString, setting);
    QFETCH(const QString, headers);
    Peer socketPeer;
    socketPeer.address = *IpAddress::parse(from.toStdString());
    socketPeer.text = socketPeer.address.toString(); // as accept() does
    Headers given;
    for (const QString &line : headers.split(QLatin1Char('|'), Qt::SkipEmptyParts))
        given.add(line.section(QLatin1Char(':'), 0, 0).toStdString(), line.section(QLatin1Char(':'), 1).trimmed().toStdString());
    const Peer peer = resolveClient(socketPeer, given, {setting.toStdString(), {*Cidr::parse("10.0.0.0/8")}});
    QCOMPARE(peer.text, peer.address.toString());
    QTEST(QString::fromStdString(peer.text) + QLatin1Char(' ') + (peer.isForwarded ? QStringLiteral("F") : QString())
              + (peer.untrustedForward ? QStringLiteral("U") : QString()) + (peer.sawOtherHeader ? QStringLiteral("O") : QString()),
          "client");
}

void TstClientAddress::aPrivateListenerHasNoProxy()
{
    Peer peer;
    peer.address = *IpAddress::parse("127.0.0.1");
    peer.text = peer.address.toString();
    Headers headers;
    headers.add("X-Forwarded-For", "203.0.113.7");
    const ClientAddressRules rules{"x-forwarded-for", {*Cidr::parse("127.0.0.1")}};
    QCOMPARE(resolveClient(peer, headers, rules).text, std::string("203.0.113.7"));
    peer.privateListener = 1;
    QCOMPARE(resolveClient(peer, headers, rules).text, std::string("127.0.0.1"));
}

void TstClientAddress::forwarded()
{
    const auto read = [](std::string_view value) { return forwardedFor(value); };
    QCOMPARE(read("for=\"a\\\"b,c;d\", for = x ;proto=http, proto=http"), (std::vector<std::string>{"a\"b,c;d", "x", ""}));
    QCOMPARE(read("for=\"open, for=1.2.3.4"), (std::vector<std::string>{"\"open, for=1.2.3.4"}));
    QCOMPARE(read("for=\"\\"), (std::vector<std::string>{"\"\\"}));
    QCOMPARE(read(""), std::vector<std::string>());
}

// RFC 6454 section 6.2.
void TstClientAddress::origins()
{
    QVERIFY(isOrigin("https://llm.example", "https", "llm.example"));
    QVERIFY(isOrigin("https://llm.example", "https", "LLM.example:443"));
    QVERIFY(isOrigin("http://127.0.0.1:8080", "http", "127.0.0.1:8080"));
    QVERIFY(isOrigin("http://[::1]:8080", "http", "[::1]:8080"));
    QVERIFY(!isOrigin("http://llm.example", "https", "llm.example"));
    QVERIFY(!isOrigin("https://llm.example:8443", "https", "llm.example"));
    QVERIFY(!isOrigin("https://llm.example", "https", "llm.example:80"));
    QVERIFY(!isOrigin("https://evil.llm.example", "https", "llm.example"));
    QVERIFY(!isOrigin("null", "https", "null") && !isOrigin("https://", "https", ""));
}

REGISTER_TEST(TstClientAddress)
#include "tst_client_address.moc"
