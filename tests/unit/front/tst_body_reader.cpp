// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "front/body_reader.h"

#include <string>

using namespace llmproxy;

class TstBodyReader : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void chunkedInEveryCut();
    void pipelined();
    void extensions();
    void malformed_data();
    void malformed();
    void endlessExtension();
    void untilClose();
};

void TstBodyReader::chunkedInEveryCut()
{
    const std::string body = "4\r\nWiki\r\n6;x=y\r\npedia \r\n0\r\nTrailer: dropped\r\n\r\n";
    for (size_t cut = 1; cut <= body.size(); ++cut) {
        BodyReader reader(BodyReader::Kind::Request, 1024);
        reader.begin(true, -1);
        std::string got;
        const auto sink = [&got](std::string_view span) { got += span; };
        for (size_t at = 0; at < body.size(); at += cut)
            reader.feed(std::string_view(body).substr(at, cut), sink);
        QVERIFY(reader.isComplete());
        QCOMPARE(got, std::string("Wikipedia "));
    }
}

void TstBodyReader::pipelined()
{
    BodyReader reader(BodyReader::Kind::Request, 1024);
    reader.begin(false, 3);
    std::string got;
    QCOMPARE(reader.feed("abcGET /", [&got](std::string_view span) { got += span; }), size_t{3});
    QCOMPARE(got, std::string("abc"));
    QVERIFY(reader.isComplete());
    reader.reset();
    reader.begin(false, -1);
    QVERIFY(reader.isComplete());
}

void TstBodyReader::extensions()
{
    for (const char *line : {";a", ";a=b", ";a=\"b\"", ";a=\"\"", ";a;b", ";a=b;c=\"d;e=\\\"f\"", " ; a = b ; c", "\t;\ta", ";a=\"b\" ;c", ";a=\"\xc3\xa9\\\xa9\t\""}) {
        for (const auto kind : {BodyReader::Kind::Request, BodyReader::Kind::Response}) {
            BodyReader reader(kind, 1024);
            reader.begin(true, -1);
            std::string got;
            for (const char c : std::string("3") + line + "\r\nabc\r\n0" + line + "\r\n\r\n")
                reader.feed(std::string_view(&c, 1), [&got](std::string_view span) { got += span; });
            QVERIFY2(reader.isComplete(), line);
            QCOMPARE(got, std::string("abc"));
        }
    }
}

void TstBodyReader::malformed_data()
{
    QTest::addColumn<QByteArray>("body");
    for (const char *line : {";", "; ", ";;a", ";a;", ";=b", ";a=", ";a=;b", ";a==b", ";a b", ";a=b c", ";a=b\"c\"", ";a=\"b\"c", ";a=\"b", ";a=\"b\x01\"", ";a=\"b\\",
                             ";a=\"b\\\x7f\"", ";a,b", ";a=b,c", ";a(b)", ";\xc3\xa9", ";a ", ";a=b ", " ", "\t", " a", ";a\x0b=b", ";a:b", ";a=\"b\" "})
        QTest::newRow(line) << QByteArray("3") + line + "\r\nabc\r\n0\r\n\r\n";
    QTest::newRow("not hex") << QByteArray("x\r\n");
    QTest::newRow("bare lf") << QByteArray("3\nabc\r\n");
    QTest::newRow("no crlf after data") << QByteArray("3\r\nabcd\r\n");
    QTest::newRow("negative") << QByteArray("-3\r\nabc\r\n");
    QTest::newRow("overflow") << QByteArray("fffffffffffffffff\r\n");
}

void TstBodyReader::malformed()
{
    QFETCH(QByteArray, body);
    BodyReader reader(BodyReader::Kind::Request, 1024);
    reader.begin(true, -1);
    reader.feed(body.toStdString(), [](std::string_view) {});
    QVERIFY(reader.hasFailed());
}

void TstBodyReader::endlessExtension()
{
    BodyReader reader(BodyReader::Kind::Request, 1024);
    reader.begin(true, -1);
    reader.feed("3;", [](std::string_view) {});
    for (int i = 0; i < 40 && !reader.hasFailed(); ++i)
        reader.feed(std::string(64, 'x'), [](std::string_view) {});
    QVERIFY(reader.hasFailed());
}

void TstBodyReader::untilClose()
{
    BodyReader reader(BodyReader::Kind::Response, 1024);
    reader.begin(false, -1);
    reader.feed("abc", [](std::string_view) {});
    QVERIFY(!reader.isComplete());
    QVERIFY(reader.finish());
    BodyReader cut(BodyReader::Kind::Response, 1024);
    cut.begin(false, 5);
    cut.feed("abc", [](std::string_view) {});
    QVERIFY(!cut.finish());
    BodyReader head(BodyReader::Kind::Response, 1024);
    head.begin(false, 0);
    QVERIFY(head.isComplete());
}

REGISTER_TEST(TstBodyReader)
#include "tst_body_reader.moc"
