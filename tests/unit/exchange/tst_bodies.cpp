// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "exchange/body_type.h"
#include "exchange/json_members.h"
#include "exchange/multipart.h"
#include "exchange/request_body.h"
#include "exchange/stream_usage.h"

#include <QRegularExpression>
#include <simdjson.h>
#include <zlib.h>
#include <zstd.h>

using namespace llmproxy;

class TstBodies : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void model_data();
    void model();
    void readableTypes();
    void readsAsSimdjsonDoes();
    void members();
    void nesting();
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
    for (const char *bad : {R"({"model":"a"} x)", R"({"model":"a"}{"model":"b"})", R"({"model":"a","x":NaN})", R"({"model":"a","x":Infinity})", R"({"model":"a","x":01})", R"({"model":"a",})",
                            R"({'model':'a'})", R"({"model":"a"/**/})", R"({"model":"\ud800"})", "{\"model\":\"a\nb\"}", "{\"model\":\"\xff\"}", "\xef\xbb\xbf{\"model\":\"a\"}", ""})
        QTest::newRow((std::string("not strict JSON: ") + bad).c_str()) << json << QByteArray(bad) << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("UTF-16") << json << QByteArray("\xff\xfe{\0}\0", 6) << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("UTF-16 without a mark") << json << QByteArray("{\0\"\0m\0\"\0:\0001\0}\0", 14) << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("UTF-32") << json << QByteArray("{\0\0\0}\0\0\0", 8) << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("twice, once escaped") << json << QByteArray(R"({"model":"a","\u006dodel":"b"})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("twice, up to a NUL") << json << QByteArray(R"({"model":"a","model\u0000x":"b"})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("nested only") << json << QByteArray(R"({"x":{"model":"a"}})") << QByteArray() << QByteArray();
    QTest::newRow("nested too") << json << QByteArray(R"({"x":{"model":"b"},"model":"a"})") << QByteArray() << QByteArray("a");
    QTest::newRow("a NUL in the model") << json << QByteArray(R"({"model":"a\u0000b"})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("a line end in the model") << json << QByteArray(R"({"model":"a\nb"})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("models as Go folds it") << json << QByteArray("{\"model\":\"a\",\"model\xc5\xbf\":\"b\"}") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("array") << json << QByteArray("[1]") << QByteArray("unsupported_body") << QByteArray();
    const QByteArray form("multipart/form-data; boundary=xx");
    QTest::newRow("form") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--xx--\r\n") << QByteArray() << QByteArray("whisper-1");
    QTest::newRow("form twice") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb\r\n--xx--\r\n") << QByteArray("bad_request") << QByteArray();
    const auto part = [](const char *disposition) {
        return QByteArray("--xx\r\nContent-Disposition: form-data; ") + disposition + "\r\n\r\na\r\n--xx--\r\n";
    };
    QTest::newRow("form, a token as name") << form << part("name=model") << QByteArray() << QByteArray("a");
    QTest::newRow("form, escaped name") << form << part("name=\"mo\\del\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, escaped quote") << form << part("name=\"f\"; filename=\"x\\\"; name=model; y=\"z\"") << QByteArray("unsupported_body") << QByteArray();
    for (const char *name : {"model[]", "model[0]", "model.x", " model", "%6dodel", "Model", "model%00x"})
        QTest::newRow((std::string("form, read as model by some: ") + name).c_str()) << form << part((std::string("name=\"") + name + "\"").c_str()) << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form, a file") << form << part("name=\"model\"; filename=\"m\"") << QByteArray("bad_request") << QByteArray();
    const auto typed = [](const char *type) { return QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\nContent-Type: ") + type + "\r\n\r\na\r\n--xx--\r\n"; };
    QTest::newRow("form, text") << form << typed("text/plain; charset=UTF-8") << QByteArray() << QByteArray("a");
    QTest::newRow("form, text in UTF-16") << form << typed("text/plain; charset=utf-16") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form, JSON") << form << typed("application/json") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form, nested") << form << typed("multipart/mixed; boundary=yy") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, two types") << form << typed("text/plain\r\nContent-Type: text/plain") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a charset for all") << form << part("name=\"_charset_\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a control character") << form << part("name=\"f\"; filename=\"\x01\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a folded line") << form << part("name=\"f\";\r\n name=model") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a model of two lines") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\nb\r\n--xx--\r\n") << QByteArray("bad_request") << QByteArray();
    for (const std::string &boundary : {std::string(71, 'x'), std::string("\"x \""), std::string("\"x\\x\""), std::string("\"\""), std::string("\"x;y\"")})
        QTest::newRow(("form, boundary " + boundary).c_str()) << QByteArray::fromStdString("multipart/form-data; boundary=" + boundary)
                                                              << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\n--xx--\r\n") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, name in a file name") << form << part("name=\"f\"; filename=\"name=model\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, two names") << form << part("name=\"f\"; name=\"model\"") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, extended name") << form << part("name=\"f\"; name*=utf-8''model") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, other case") << form << part("name=\"MODEL\"") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("form, a part behind the end") << form << part("name=model") + part("name=model") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a delimiter inside a line") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\n\r\na--xx\r\nb\r\n--xx--\r\n") << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, encoded") << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--xx--\r\n") << QByteArray("bad_request") << QByteArray();
    for (const char *names : {"name=\"f\"; name*0=\"mo\"; name*1=\"del\"", "name=\"f\"; name*0*=utf-8''model", "name*0=model", "name=\"=?utf-8?q?model?=\"", "name=\"mod\xc1\xa5l\""})
        QTest::newRow((std::string("form, a name that some decode: ") + names).c_str()) << form << part(names) << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a boundary in pieces") << QByteArray("multipart/form-data; boundary=xx; boundary*0=y; boundary*1=y") << part("name=model") << QByteArray("unsupported_body") << QByteArray();
    const auto longHead = [&](size_t size) { return part(("name=model; x=" + std::string(size - std::string("\r\nContent-Disposition: form-data; name=model; x=").size(), 'x')).c_str()); };
    QTest::newRow("form, as long as a head may be") << form << longHead(mostPartHead) << QByteArray() << QByteArray("a");
    QTest::newRow("form, a head that is too long") << form << longHead(mostPartHead + 1) << QByteArray("unsupported_body") << QByteArray();
    QTest::newRow("form, a part without a head") << form << QByteArray("--xx\r\n\r\na\r\n--xx\r\nContent-Disposition: form-data; name=model\r\n\r\na\r\n--xx--\r\n") << QByteArray("unsupported_body") << QByteArray();
    const auto many = [&](size_t count) {
        QByteArray body = part("name=model").chopped(4);
        for (size_t made = 1; made < count; ++made)
            body += part("name=f").chopped(4).mid(4);
        return body + "--\r\n";
    };
    QTest::newRow("form, as many parts as may be") << form << many(mostParts) << QByteArray() << QByteArray("a");
    QTest::newRow("form, too many parts") << form << many(mostParts + 1) << QByteArray("unsupported_body") << QByteArray();
    for (const char *model : {" a", "a ", "a\t", "\xc1\xa1"})
        QTest::newRow((std::string("form, a model that some trim or decode: ") + model).c_str()) << form << QByteArray("--xx\r\nContent-Disposition: form-data; name=model\r\n\r\n") + model + "\r\n--xx--\r\n"
                                                                                               << QByteArray("bad_request") << QByteArray();
    QTest::newRow("blanks around the model") << json << QByteArray(R"({"model":"a "})") << QByteArray("bad_request") << QByteArray();
    QTest::newRow("blanks around another model") << json << QByteArray(R"({"model":"a","models":["a"," b"]})") << QByteArray("bad_request") << QByteArray();
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

void TstBodies::readableTypes()
{
    const auto readable = [](std::initializer_list<const char *> values) {
        Headers headers;
        headers.add("X-Other", "application/json");
        for (const char *value : values)
            headers.add("content-Type", value);
        return isReadableBodyType(headers);
    };
    for (const char *good : {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"", "application/json;", "application/json; x=a/b",
                             "multipart/form-data; boundary=b", "multipart/form-data; boundary=b; charset=UTF-8"})
        QVERIFY2(readable({good}), good);
    for (const char *bad : {"", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/vnd.api+json", "application/json, application/json", "application/json, text/plain",
                            "application/json; charset=utf-16", "application/json; charset=utf-16le", "application/json; charset=utf-8; charset=utf-16", "application/json; charset=\"utf-8",
                            "application/json; charset*=utf-8''utf-16", "application/json; charset*0=utf-16", "application/json; charset=utf-8; charset*0*=utf-16", "application/json; charset=\"u\\tf-8\"", "application/json; charset", "application/json; charset =utf-8", "application/json charset=utf-8",
                            "application/jsonx", "application /json", "multipart/form-data; boundary=a; boundary=b", "multipart/form-data; boundary=b; charset=utf-7", "multipart/mixed; boundary=b"})
        QVERIFY2(!readable({bad}), bad);
    QVERIFY(!readable({}));
    QVERIFY(!readable({"application/json", "application/json"}));
    QVERIFY(!readable({"application/json", "text/plain"}));
}

// The same texts are JSON for both, whatever was done to them; simdjson alone refuses numbers that are too large for it.
void TstBodies::readsAsSimdjsonDoes()
{
    const std::string seeds[] = {
        R"({"model":"gpt-4o","messages":[{"role":"user","content":"a\"b\\c\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"}],"stream":true,"n":-1.5e+3,"x":[],"y":{},"z":[null,false,0,-0,1E9,0.25]})",
        R"( { "models" : [ "a" , { "b" : [ [ ] , [ 1 ] ] } ] , "model":"m" } )", R"([1,[2,{"a":[3]}],"x"])", R"("text")", "12", "true", "{}",
    };
    const std::string bytes = "{}[],:\"\\ \n\t0123456789.eE+-truefalsn/u\x01\x7f\xc3\xa9\xed\xa0\x80\xff";
    uint32_t dice = 1;
    const auto next = [&dice](size_t most) {
        dice = dice * 1664525 + 1013904223; // Numerical Recipes' generator: the same run each time
        return static_cast<size_t>(dice >> 8) % most;
    };
    simdjson::dom::parser parser;
    size_t good = 0;
    for (int i = 0; i < 60'000; ++i) {
        std::string text = seeds[next(std::size(seeds))];
        for (size_t changes = next(4); changes > 0 && !text.empty(); --changes) {
            const size_t at = next(text.size());
            switch (next(3)) {
            case 0: text.erase(at, 1 + next(3)); break;
            case 1: text.insert(at, 1, bytes[next(bytes.size())]); break;
            default: text[at] = bytes[next(bytes.size())]; break;
            }
        }
        simdjson::dom::element root;
        const simdjson::error_code error = parser.parse(simdjson::padded_string(text)).get(root);
        static const QRegularExpression large(QStringLiteral("[eE][+]?[0-9]{3}"));
        if (error == simdjson::NUMBER_ERROR && QString::fromLatin1(text.data(), static_cast<qsizetype>(text.size())).contains(large))
            continue;
        const JsonText read = readJsonMembers(text, [](const JsonItem &) { return true; });
        const JsonText wanted = error ? JsonText::Broken : root.is_object() ? JsonText::Object : JsonText::Other;
        QVERIFY2(read == wanted, text.c_str());
        good += error ? 0 : 1;
    }
    QVERIFY(good > 10'000); // of both kinds
}

void TstBodies::members()
{
    std::string told;
    const auto found = [&told](const JsonItem &item) {
        told += std::string(item.key) + (item.isElement ? "[]" : "") + "=" + std::to_string(static_cast<int>(item.kind)) + ":" + std::string(item.text.substr(0, 12)) + (item.isCut ? "…" : "") + " ";
        return item.key == "in";
    };
    const std::string text = R"({"a":"x\u0041\ud83d\ude00","b":[1,"no"],"in":["p",[2,"q"],{"r":"s"},3,null],"o":{"in":["t"]},"":true,"a\n":false,"l":")" + std::string(5000, 'y') + R"("})";
    QCOMPARE(readJsonMembers(text, found), JsonText::Object);
    QCOMPARE(told, std::string("a=2:xA😀 b=1: in=1: in[]=2:p in[]=1: in[]=0: in[]=3: in[]=6: o=0: =4: a\n=5: l=2:yyyyyyyyyyyy… "));
    QCOMPARE(readJsonMembers(R"([{"a":1}])", [](const JsonItem &) { qFatal("no member"); return false; }), JsonText::Other);
}

void TstBodies::nesting()
{
    const auto nested = [](size_t depth) { return R"({"model":"a","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
    QCOMPARE(lookIntoBody(nested(1023), "application/json", "").model, std::string("a"));
    QCOMPARE(lookIntoBody(nested(1024), "application/json", "").fault, Reason::UnsupportedBody);
    QCOMPARE(lookIntoBody(nested(100'000), "application/json", "").fault, Reason::UnsupportedBody);
    QCOMPARE(lookIntoBody(R"({"model":")" + std::string(5000, 'm') + R"("})", "application/json", "").fault, Reason::BadRequest);
    QCOMPARE(lookIntoBody(R"({"model":"a","n":)" + std::string(400, '9') + "}", "application/json", "").model, std::string("a"));
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

    StreamUsageFilter lines; // one event on several lines
    QCOMPARE(lines.pass("data: {\"choices\":[],\r\ndata: \"usage\":{\"prompt_tokens\":1}}\r\n\r\n" + done), done);

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
