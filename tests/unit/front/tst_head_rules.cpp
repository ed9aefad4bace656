// SPDX-License-Identifier: GPL-3.0-only
// What two parsers could read in two ways is refused: RFC 9112 sections 2, 3, 5 and 6.
#include "test_registry.h"

#include "front/head_rules.h"

using namespace llmproxy;

class TstHeadRules : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void refused_data();
    void refused();
    void accepted();
    void absoluteForm();
    void limits();
    void response();
    void eachByteAtEachPlace();
};

void TstHeadRules::refused_data()
{
    QTest::addColumn<QByteArray>("head");
    QTest::addColumn<int>("status");
    const auto row = [](const char *name, QByteArray head, int status) { QTest::newRow(name) << head << status; };
    row("cl and te", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    row("two cl", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400);
    row("cl list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400);
    row("cl plus", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400);
    row("cl hex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400);
    row("cl huge", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400);
    row("te gzip", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501);
    row("te twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    row("te in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    row("bare lf", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400);
    row("bare cr", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400);
    row("nul", QByteArray("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 36), 400);
    row("folded", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400);
    row("space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400);
    row("name not a token", "GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400);
    row("no host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400);
    row("second host", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    row("host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
    row("http 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
    row("http 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505);
    row("no version", "GET /\r\nHost: a\r\n\r\n", 400);
    row("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    row("authority form", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    row("other host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    row("fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    row("unknown method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    row("lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    row("connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501);
    row("expect", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: magic\r\n\r\n", 417);
}

void TstHeadRules::refused()
{
    QFETCH(QByteArray, head);
    QFETCH(int, status);
    RequestHead out;
    QCOMPARE(readRequestHead(std::string_view(head.constData(), static_cast<size_t>(head.size())), {}, &out).status, status);
}

void TstHeadRules::accepted()
{
    RequestHead head;
    const HeadFault fault = readRequestHead("POST /v1/x?key=a HTTP/1.1\r\nHost: LocalHost.:8080\r\nX-A:  b c \t\r\nx-a: d\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n", {}, &head);
    QCOMPARE(fault.status, 0);
    QCOMPARE(head.path, std::string("/v1/x"));
    QCOMPARE(head.query, std::string("key=a"));
    QCOMPARE(head.host, std::string("localhost"));
    QCOMPARE(head.headers[1].value, std::string("b c"));
    QCOMPARE(head.headers[2].value, std::string("d")); // order and duplicates are kept
    QCOMPARE(head.contentLength, int64_t{7});
    QVERIFY(head.expectContinue && head.keepAlive);
    RequestHead old;
    QCOMPARE(readRequestHead("GET / HTTP/1.0\r\n\r\n", {}, &old).status, 0);
    QVERIFY(!old.keepAlive);
}

void TstHeadRules::absoluteForm()
{
    RequestHead head;
    QCOMPARE(readRequestHead("GET http://a:80?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", {}, &head).status, 0);
    QCOMPARE(head.path, std::string("/"));
    QCOMPARE(head.query, std::string("x=1"));
    for (const auto &[target, host, status] : {std::tuple{"HTTP://a/", "a", 0}, std::tuple{"https://a/", "a:443", 0}, std::tuple{"http://a:81/", "a:81", 0},
                                               std::tuple{"http://a:81/", "a", 400}, std::tuple{"http://a/", "a:81", 400}, std::tuple{"ftp://a/", "a", 400}}) {
        RequestHead other;
        QCOMPARE(readRequestHead(std::string("GET ") + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", {}, &other).status, status);
    }
}

void TstHeadRules::limits()
{
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 100; ++i)
        many += "X: y\r\n";
    RequestHead head;
    QCOMPARE(readRequestHead(many + "\r\n", {}, &head).status, 431);
    RequestHead other;
    QCOMPARE(readRequestHead("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", {}, &other).status, 414);
}

void TstHeadRules::response()
{
    ResponseHead head;
    ResponseFraming framing;
    QVERIFY(readResponseHead("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 10, &head, &framing));
    QCOMPARE(framing.contentLength, int64_t{3});
    for (const char *bad : {"HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "HTTP/1.1 200 OK\nX: y\r\n\r\n"}) {
        ResponseHead other;
        ResponseFraming otherFraming;
        QVERIFY2(!readResponseHead(bad, 10, &other, &otherFraming), bad);
    }
}

// The reader looks at eight bytes at a time; what it must not let through it must find at each place among them.
void TstHeadRules::eachByteAtEachPlace()
{
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool isText = c == '\t' || (byte >= 0x20 && byte != 0x7f);
        for (size_t length = 1; length <= 20; ++length) {
            for (size_t at = 0; at < length; ++at) {
                std::string value(length + 2, 'v');
                value[at + 1] = c; // not at an end, where blanks are taken off
                RequestHead head;
                const int status = readRequestHead("GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n", {}, &head).status;
                QCOMPARE(status, isText ? 0 : 400);
                QVERIFY(!isText || head.headers[1].value == value);
                ResponseHead answer;
                ResponseFraming framing;
                QCOMPARE(readResponseHead("HTTP/1.1 200 OK\r\nX: " + value + "\r\n\r\n", 10, &answer, &framing), isText);
                size_t resume = 0, end = 0;
                const bool breaks = c == '\r' || c == '\n' || c == '\0';
                QVERIFY((scanHead(value + "\r\n\r\n", 0, &resume, &end) == HeadScan::Bad) == breaks);
            }
        }
    }
}

REGISTER_TEST(TstHeadRules)
#include "tst_head_rules.moc"
