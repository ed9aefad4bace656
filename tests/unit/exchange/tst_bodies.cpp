// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "exchange/request_body.h"
#include "exchange/stream_usage.h"

#include <zlib.h>
#include <zstd.h>

using namespace llmproxy;

class TstBodies : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void model_data();
    void model();
    void compressed();
    void bomb();
    void streamUsage();
};

namespace {

std::string gzipped(const std::string &plain)
{
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef *>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

} // namespace

void TstBodies::model_data()
{
    QTest::addColumn<QByteArray>("type");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("fault");
    QTest::addColumn<QByteArray>("model");
    const QByteArray json("application/json");
    QTest::newRow("plain") << json << QByteArray(R"({"model":"a","x":1})") << QByteArray() << QByteArray("a");
    QTest::newRow("odd type") << QByteArray("text/plain") << QByteArray(R"({"model":"a"})") << QByteArray() << QByteArray("a");
    QTest::newRow("escaped name") << json << QByteArray(R"({"mod\u0065l":"a"})") << QByteArray() << QByteArray("a");
    QTest::newRow("twice") << json << QByteArray(R"({"model":"a","model":"b"})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("not text") << json << QByteArray(R"({"model":["a"]})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("not json") << json << QByteArray("model=a") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("array") << json << QByteArray("[1]") << QByteArray("unsupported_body") << QByteArray();
    const QByteArray form("multipart/form-data; boundary=xx");
    QTest::newRow("form") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--xx--\r\n") << QByteArray() << QByteArray("whisper-1");
    QTest::newRow("form twice") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb\r\n--xx--\r\n") << QByteArray("bad_request") << QByteArray();
    const auto part = [](const char *disposition) {
        return QByteArray("--xx\r\nContent-Disposition: form-data; ") + disposition + "\r\n\r\na\r\n--xx--\r\n";
    };
    QTest::newRow("form, a token as name") << form << part("name=model") << QByteArray() << QByteArray("a");
    QTest::newRow("form, escaped name") << form << part("name=\"mo\\del\"") << QByteArray() << QByteArray("a");
    QTest::newRow("form, name in a file name") << form << part("name=\"f\"; filename=\"name=model\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, two names") << form << part("name=\"f\"; name=\"model\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, extended name") << form << part("name=\"f\"; name*=utf-8''model") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, other case") << form << part("name=\"MODEL\"") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form, a part behind the end") << form << part("name=model") + part("name=model") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a delimiter inside a line") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\n\r\na--xx\r\nb\r\n--xx--\r\n") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, encoded") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--xx--\r\n") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form, two boundaries") << QByteArray("multipart/form-data; boundary=yy; boundary=xx") << part("name=model") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("JSON that calls itself a form") << QByteArray("application/json; x=multipart/form-data; boundary=xx") << QByteArray(R"({"model":"a"})") << QByteArray() << QByteArray("a");
    QTest::newRow("another case") << json << QByteArray(R"({"model":"a","MODEL":"b"})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form without") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\na\r\n--xx--\r\n") << QByteArray("unsupported_body") << QByteArray();
}

void TstBodies::model()
{
    QFETCH(QByteArray, type);
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, fault);
    QFETCH(QByteArray, model);
    const BodyView view = lookIntoBody(body.toStdString(), type.toStdString(), "");
    QCOMPARE(view.fault, reasonNamed(fault.toStdString()));
    QCOMPARE(view.model, model.toStdString());
}

void TstBodies::compressed()
{
    const BodyView view = lookIntoBody(gzipped(R"({"model":"secret-model"})"), "application/json", "gzip");
    QCOMPARE(view.model, std::string("secret-model"));
    std::string zstd(200, '\0');
    const std::string plain = R"({"model":"zstd-model"})";
    zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), plain.data(), plain.size(), 3));
    QCOMPARE(lookIntoBody(zstd, "application/json", "zstd").model, std::string("zstd-model"));
    QCOMPARE(lookIntoBody(zstd + zstd, "application/json", "zstd").fault, Reason::UnsupportedBody);
    for (const char *coding : {"zstd", "br", "gzip, gzip", "identity, gzip"})
        QCOMPARE(lookIntoBody("x", "application/json", coding).fault, Reason::UnsupportedBody);
    QCOMPARE(lookIntoBody(gzipped("{}") + gzipped("{}"), "application/json", "gzip").fault, Reason::UnsupportedBody);
}

void TstBodies::bomb()
{
    QCOMPARE(lookIntoBody(gzipped(std::string(20 << 20, ' ')), "application/json", "gzip").fault, Reason::UnsupportedBody);
}

void TstBodies::streamUsage()
{
    QCOMPARE(withStreamUsage("{\"stream\":true} "), std::string("{\"stream\":true,\"stream_options\":{\"include_usage\":true}} "));
    const std::string kept = "data: {\"choices\":[{\"delta\":{}}],\"usage\":null}\n\n: ping\n\n";
    const std::string extra = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
    const std::string done = "data: [DONE]\n\n";
    const std::string all = kept + extra + done;
    for (const size_t cut : {size_t{1}, size_t{5}, all.size()}) {
        StreamUsageFilter filter;
        std::string out;
        for (size_t at = 0; at < all.size(); at += cut)
            out += filter.pass(std::string_view(all).substr(at, cut));
        out += filter.rest();
        QCOMPARE(out, kept + done);
    }
    // What cannot be the usage event does not wait for its end.
    StreamUsageFilter early;
    QCOMPARE(early.pass(": pi"), std::string(": pi"));
    QCOMPARE(early.pass("ng\n"), std::string("ng\n"));
    const std::string half = R"(data: {"id":"x","choices":[{"delta":{"content":"a)";
    QCOMPARE(early.pass(half), half);
    QCOMPARE(early.pass("b\"}}]}\n\n"), std::string("b\"}}]}\n\n"));
    QCOMPARE(early.pass("data: {\"choices\": ["), std::string());
    QCOMPARE(early.pass("],\"usage\":{\"prompt_tokens\":1}}\n\n" + done), done);

    StreamUsageFilter filter;
    const std::string big = "data: " + std::string(200'000, 'x') + "\n\n";
    std::string out = filter.pass(big.substr(0, 100'000));
    out += filter.pass(big.substr(100'000));
    out += filter.pass(done);
    out += filter.rest();
    QCOMPARE(out, big + done);
}

REGISTER_TEST(TstBodies)
#include "tst_bodies.moc"
