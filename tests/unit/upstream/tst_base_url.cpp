// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "upstream/base_url.h"

using namespace llmproxy;

class TstBaseUrl : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void isTaken_data();
    void isTaken();
    void isRefused_data();
    void isRefused();
    void parts();
    void paths_data();
    void paths();
    void queries_data();
    void queries();
};

void TstBaseUrl::isTaken_data()
{
    QTest::addColumn<QString>("text");
    const auto row = [](const char *given, const char *text) { QTest::newRow(given) << QString::fromLatin1(text); };
    row("https://api.openai.com/v1", "https://api.openai.com/v1");
    row("HTTPS://API.OpenAI.com/V1", "https://api.openai.com/V1"); // a path keeps its case
    row("Http://LOCALHOST:11434", "http://localhost:11434");
    row("https://a.example/", "https://a.example");
    row("https://a.example/v1///", "https://a.example/v1");
    row("https://a.example:443/v1", "https://a.example/v1");
    row("http://a.example:80", "http://a.example");
    row("https://a.example:8443", "https://a.example:8443");
    row("https://bücher.example/v1", "https://xn--bcher-kva.example/v1");
    row("https://BÜCHER.example", "https://xn--bcher-kva.example");
    row("https://a.example/straße/v1", "https://a.example/stra%C3%9Fe/v1");
    row("http://[::1]:8000/v1/", "http://[::1]:8000/v1");
    row("http://[FD00::0:1]", "http://[fd00::1]");
    row("http://[::FFFF:127.0.0.1]", "http://127.0.0.1");
    row("http://0x7f.1:8000", "http://127.0.0.1:8000");
    row("http://0xA9FEA9FE", "http://169.254.169.254");
    row("https://a.example/org%2Fname/v1", "https://a.example/org%2Fname/v1");
    row("https://my_host.example", "https://my_host.example");
    row("https://x.openai.azure.com/?api-version=2024-10-21", "https://x.openai.azure.com?api-version=2024-10-21");
    row("https://x.openai.azure.com?", "https://x.openai.azure.com");
    row("https://x.openai.azure.com?a=1&&b=%20", "https://x.openai.azure.com?a=1&b=%20");
}

void TstBaseUrl::isTaken()
{
    const auto url = parseBaseUrl(QTest::currentDataTag());
    QVERIFY2(url.ok(), url.ok() ? "" : url.error().message.c_str());
    QTEST(QString::fromStdString(url->text()), "text");
    const auto again = parseBaseUrl(url->text());
    QVERIFY(again.ok());
    QCOMPARE(again->text(), url->text());
}

void TstBaseUrl::isRefused_data()
{
    QTest::addColumn<QString>("word");
    const auto row = [](const char *given, const char *word) { QTest::newRow(given) << QString::fromLatin1(word); };
    for (const char *given : {"", "api.openai.com", "api.openai.com/v1", "//api.openai.com", "ftp://a.example", "file:///etc/passwd", "unix:/x", "https:/a.example", "javascript://a"})
        row(given, "https://");
    for (const char *given : {"https://", "https:///v1", "https://:443/v1", "https://?a=1", "http://"})
        row(given, "host");
    for (const char *given : {"https://u:p@a.example", "https://u@a.example/v1", "https://a.example@evil.example", "https://@a.example"})
        row(given, "user name");
    for (const char *given : {"https://a.example#x", "https://a.example/v1#", "https://a.example/?a=1#x"})
        row(given, "fragment");
    for (const char *given : {" https://a.example", "https://a.example ", "https://a b.example", "https://a.example/v 1", "https://a.example/\r\nX: y", "https://a.example/\tv1", "https://a.example/?a= b"})
        row(given, "spaces");
    for (const char *given : {"https://a.example/%0d%0aX", "https://a.example/%00", "https://a.example/%250a"})
        row(given, "control");
    for (const char *given : {"https://a.example:0", "https://a.example:70000", "https://a.example:99999999999", "https://a.example:x", "https://a.example:", "https://a.example:-1", "https://[::1]:0"})
        row(given, "port");
    for (const char *given : {"https://[a.example]", "https://[::1", "https://[::1]x", "https://[1.2.3.4.5]", "https://::1/v1", "HTTP://1::%]:8000/v1"})
        row(given, "IPv6");
    for (const char *given : {"https://%31.2.3.4", "https://1.2.3.4%eth0", "https://[fe80::1%]", "https://[fe80::1%!]", "https://a\\b", "https://a,b", "https://a%2fb", "https://a!b.example", "https://a..b/v1", "https://.a.example", "https://.", "https://.."})
        row(given, "host");
    for (const char *given : {"https://a.example/../v1", "https://a.example/./v1", "https://a.example/v1/..", "https://a.example/%2e%2e/v1", "https://a.example/%252e%252e/v1", "https://a.example/..%2fv1",
                              "https://a.example/..;x/v1", "https://a.example/v1\\x", "https://a.example/v1%5cx"})
        row(given, "segments");
    for (const char *given : {"https://a.example/%", "https://a.example/%4", "https://a.example/%zz", "https://a.example?a=%g0"})
        row(given, "hexadecimal");
    for (const char *given : {"https://a.example/?key=AIza", "https://a.example/?API-KEY=x", "https://a.example/?subscription%2dkey=x", "https://a.example/?access_token=x", "https://a.example/?sig=x"})
        row(given, "api_key");
    row("https://a.example/?a=1&A=2", "twice");
}

void TstBaseUrl::isRefused()
{
    QFETCH(QString, word);
    const auto url = parseBaseUrl(QTest::currentDataTag());
    QVERIFY(!url.ok());
    QCOMPARE(url.error().field, std::string("base_url"));
    QVERIFY2(url.error().message.find(word.toStdString()) != std::string::npos, url.error().message.c_str());
}

void TstBaseUrl::parts()
{
    const auto url = parseBaseUrl("http://[::1]:8000/v1/?a=b");
    QVERIFY(url.ok());
    QCOMPARE(url->host, std::string("::1"));
    QCOMPARE(url->path, std::string("/v1"));
    QCOMPARE(url->query, std::string("a=b"));
    QCOMPARE(url->authority(), std::string("[::1]:8000"));
    QCOMPARE(url->origin(), std::string("http://[::1]:8000"));
    QCOMPARE(parseBaseUrl("https://API.openai.com")->authority(), std::string("api.openai.com"));
    QCOMPARE(parseBaseUrl("https://API.openai.com")->origin(), std::string("https://api.openai.com:443"));
    // What is judged, resolved and dialled has one spelling.
    QCOMPARE(parseBaseUrl("http://0251.0376.0251.0376")->host, std::string("169.254.169.254"));
    QCOMPARE(parseBaseUrl("http://2852039166/")->host, std::string("169.254.169.254"));
}

void TstBaseUrl::paths_data()
{
    QTest::addColumn<int>("form");
    QTest::addColumn<QString>("rest");
    QTest::addColumn<QString>("path");
    int number = 0;
    const auto row = [&number](PathForm form, const char *base, const char *rest, const char *path) {
        QTest::newRow((std::to_string(++number) + "|" + base).c_str()) << int(form) << QString::fromLatin1(rest) << QString::fromLatin1(path);
    };
    using F = PathForm;
    row(F::ByBasePath, "/v1", "/v1/chat/completions", "/v1/chat/completions");
    row(F::ByBasePath, "", "/v1/messages", "/v1/messages");
    row(F::ByBasePath, "/api/v3", "/v1/x", "/api/v3/x");
    row(F::ByBasePath, "/api/v3", "/v3/x", "/api/v3/x");
    row(F::ByBasePath, "/v1beta/openai", "/v1/x", "/v1beta/openai/x");
    row(F::ByBasePath, "/v1", "/api/chat", "/v1/api/chat");
    row(F::ByBasePath, "/v1", "/v1x/y", "/v1/v1x/y");
    row(F::ByBasePath, "/openai", "/openai/deployments/d/x", "/openai/deployments/d/x");
    row(F::ByBasePath, "", "/api/chat", "/api/chat");
    row(F::ByBasePath, "/inference", "/v1/x", "/inference/v1/x");
    row(F::ByBasePath, "/v1beta", "/v1beta/models/m:generateContent", "/v1beta/models/m:generateContent");
    row(F::ByBasePath, "/v1beta", "/upload/v1beta/files", "/upload/v1beta/files");
    row(F::ByBasePath, "/gw/v1beta", "/upload/v1beta/files", "/gw/upload/v1beta/files");
    row(F::ByBasePath, "", "/upload/v1beta/files", "/upload/v1beta/files");
    row(F::ByBasePath, "", "/model/arn:aws:bedrock:us-east-1:123:inference-profile%2Fus.a/invoke", "/model/arn:aws:bedrock:us-east-1:123:inference-profile%2Fus.a/invoke");
    row(F::WithVersion, "/v1", "/v1/x", "/v1/v1/x");
    row(F::WithVersion, "/gw/openai", "/v1/x", "/gw/openai/v1/x");
    row(F::WithoutVersion, "/inference", "/v1/chat/completions", "/inference/chat/completions");
    row(F::WithoutVersion, "", "/v1/models/org%2Fname", "/models/org%2Fname");
    row(F::WithoutVersion, "/x", "/chat/completions", "/x/chat/completions");
    row(F::WithoutVersion, "/x", "/v1x/y", "/x/v1x/y");
    row(F::Azure, "", "/openai/deployments/d/chat/completions", "/openai/deployments/d/chat/completions");
    row(F::Azure, "/gw", "/v1/chat/completions", "/gw/openai/v1/chat/completions");
    row(F::Azure, "", "/deployments/d/embeddings", "/openai/deployments/d/embeddings");
    row(F::Azure, "", "/openai/v1/responses", "/openai/v1/responses");
}

void TstBaseUrl::paths()
{
    QFETCH(int, form);
    QFETCH(QString, rest);
    BaseUrl base;
    base.path = std::string(QTest::currentDataTag()).substr(std::string(QTest::currentDataTag()).find('|') + 1);
    base.form = static_cast<PathForm>(form);
    QTEST(QString::fromStdString(joinPath(base, rest.toStdString())), "path");
}

void TstBaseUrl::queries_data()
{
    QTest::addColumn<QString>("base");
    QTest::addColumn<QString>("joined");
    int number = 0;
    const auto row = [&number](const char *given, const char *base, const char *joined) {
        QTest::newRow((std::to_string(++number) + "|" + given).c_str()) << QString::fromLatin1(base) << QString::fromLatin1(joined);
    };
    row("", "", "");
    row("a=%20&b", "", "a=%20&b");
    row("", "api-version=1", "api-version=1");
    row("a=%2f+&&x=1;y", "api-version=1", "a=%2f+&&x=1;y&api-version=1"); // as it came, byte for byte
    row("api-version=2", "api-version=1", "api-version=2");
    row("a=1&API-Version=2", "api-version=1", "a=1&API-Version=2"); // Azure reads names in any case
    row("api%2Dversion=2", "api-version=1", "api%2Dversion=2");
    row("api-version", "api-version=1", "api-version");
    row("api-versions=2", "api-version=1", "api-versions=2&api-version=1");
    row("b=2", "a=1&b=1&c=1", "b=2&a=1&c=1");
}

void TstBaseUrl::queries()
{
    QFETCH(QString, base);
    const std::string tag = QTest::currentDataTag();
    QTEST(QString::fromStdString(joinQuery(tag.substr(tag.find('|') + 1), base.toStdString())), "joined");
}

REGISTER_TEST(TstBaseUrl)
#include "tst_base_url.moc"
