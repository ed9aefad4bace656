// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "upstream/provider_url.h"

using namespace llmproxy;

namespace {

ProviderProfile profileOf(const char *name)
{
    static const Result<Profiles> profiles = loadProfiles({});
    return profiles.ok() ? profiles->find(name)->second : ProviderProfile();
}

} // namespace

class TstProviderUrl : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void isShortened_data();
    void isShortened();
    void staysAsItIs_data();
    void staysAsItIs();
    void requests_data();
    void requests();
    void whoDecides();
    void queries();
    void hosts();
};

void TstProviderUrl::isShortened_data()
{
    QTest::addColumn<QString>("given");
    QTest::addColumn<QString>("kept");
    int number = 0;
    const auto row = [&number](const char *provider, const char *given, const char *kept) {
        QTest::newRow((std::to_string(++number) + "|" + provider).c_str()) << QString::fromLatin1(given) << QString::fromLatin1(kept);
    };
    row("openai", "https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1");
    row("openai", "HTTPS://API.openai.com/v1/chat/completions/", "https://api.openai.com/v1");
    row("openai", "https://api.openai.com/v1/chat/completions?stream=true", "https://api.openai.com/v1");
    for (const char *endpoint : {"responses", "responses/compact", "embeddings", "models", "completions", "images/generations", "audio/speech", "moderations", "files", "batches"})
        row("openai", (std::string("https://api.openai.com/v1/") + endpoint).c_str(), "https://api.openai.com/v1");
    row("mistral", "https://api.mistral.ai/v1/fim/completions", "https://api.mistral.ai/v1");
    row("compatible", "https://open.bigmodel.cn/api/paas/v4/chat/completions", "https://open.bigmodel.cn/api/paas/v4");
    row("compatible", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "https://generativelanguage.googleapis.com/v1beta/openai");
    row("compatible", "https://models.github.ai/inference/chat/completions", "https://models.github.ai/inference");
    row("compatible", "https://h.example/chat/completions", "https://h.example");
    row("anthropic", "https://api.anthropic.com/v1/messages", "https://api.anthropic.com");
    row("anthropic", "https://api.anthropic.com/v1/messages/count_tokens", "https://api.anthropic.com");
    row("anthropic", "https://gw.example/anthropic/v1/messages?beta=true", "https://gw.example/anthropic");
    row("gemini", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent", "https://generativelanguage.googleapis.com");
    row("gemini", "https://generativelanguage.googleapis.com/v1beta/models/x:streamGenerateContent?alt=sse", "https://generativelanguage.googleapis.com");
    row("gemini", "https://generativelanguage.googleapis.com/v1beta/models", "https://generativelanguage.googleapis.com");
    row("gemini", "https://l-aiplatform.googleapis.com/v1/projects/P/locations/L/publishers/google/models/g:streamGenerateContent", "https://l-aiplatform.googleapis.com");
    row("compatible", "https://l-aiplatform.googleapis.com/v1/projects/P/locations/L/endpoints/openapi/chat/completions",
        "https://l-aiplatform.googleapis.com/v1/projects/P/locations/L/endpoints/openapi");
    row("bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-v2%3A0/converse-stream", "https://bedrock-runtime.us-east-1.amazonaws.com");
    row("cohere", "https://api.cohere.com/v2/chat", "https://api.cohere.com");
    row("ollama", "http://127.0.0.1:11434/api/chat", "http://127.0.0.1:11434");
    row("azure", "https://x.openai.azure.com/openai/deployments/NAME/chat/completions?api-version=2024-10-21", "https://x.openai.azure.com?api-version=2024-10-21");
    row("azure", "https://x.openai.azure.com/openai/v1/", "https://x.openai.azure.com");
    row("azure", "https://x.openai.azure.com/openai/v1/responses", "https://x.openai.azure.com");
    row("azure", "https://apim.example/team/openai/deployments/d", "https://apim.example/team");
    row("azure", "https://x.openai.azure.com/openai", "https://x.openai.azure.com");
}

void TstProviderUrl::isShortened()
{
    QFETCH(QString, given);
    const std::string tag = QTest::currentDataTag();
    const ProviderProfile profile = profileOf(tag.substr(tag.find('|') + 1).c_str());
    const auto read = readProviderUrl(given.toStdString(), profile);
    QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
    QTEST(QString::fromStdString(read->url.text()), "kept");
    QVERIFY(read->isShortened && read->note().find(read->url.text()) != std::string::npos);
    // What is stored means the same when it is used.
    const auto again = readProviderUrl(read->url.text(), profile, read->versionSegment);
    QVERIFY(again.ok() && !again->isShortened && again->note().empty());
    QCOMPARE(again->url.text(), read->url.text());
    QCOMPARE(again->url.form, read->url.form);
}

void TstProviderUrl::staysAsItIs_data()
{
    QTest::addColumn<QString>("url");
    int number = 0;
    for (const char *url : {"https://api.openai.com/v1", "https://a.example", "https://NAME.services.ai.azure.com/models", "https://h.example/files", "https://h.example/serving-endpoints",
                            "https://gateway.ai.cloudflare.com/v1/ACC/GW/openai", "https://h.example/v1/projects/messages/x", "https://h.example/chat"})
        QTest::newRow(std::to_string(++number).c_str()) << QString::fromLatin1(url);
}

void TstProviderUrl::staysAsItIs()
{
    QFETCH(QString, url);
    const auto read = readProviderUrl(url.toStdString(), profileOf("compatible"));
    QVERIFY(read.ok() && !read->isShortened && !read->versionSegment);
    QCOMPARE(read->url.path, parseBaseUrl(url.toStdString())->path);
}

void TstProviderUrl::requests_data()
{
    QTest::addColumn<QString>("given");
    QTest::addColumn<QString>("path");
    int number = 0;
    const auto row = [&number](const char *provider, const char *given, const char *path) {
        QTest::newRow((std::to_string(++number) + "|" + provider).c_str()) << QString::fromLatin1(given) << QString::fromLatin1(path);
    };
    // Where "/v1/chat/completions" goes.
    row("compatible", "https://gateway.ai.cloudflare.com/v1/ACC/GW/compat", "/v1/ACC/GW/compat/chat/completions");
    row("compatible", "https://gateway.ai.cloudflare.com/v1/ACC/GW/openai", "/v1/ACC/GW/openai/chat/completions");
    row("compatible", "https://models.github.ai/inference", "/inference/chat/completions");
    row("openai", "https://Models.GitHub.ai/inference/", "/inference/chat/completions");
    row("perplexity", "https://api.perplexity.ai", "/chat/completions");
    row("perplexity", "https://api.perplexity.ai/v1", "/v1/chat/completions");
    row("compatible", "https://adb-1.2.azuredatabricks.net/serving-endpoints", "/serving-endpoints/chat/completions");
    row("compatible", "https://dbc-1.cloud.databricks.com/serving-endpoints", "/serving-endpoints/chat/completions");
    row("compatible", "https://us-central1-aiplatform.googleapis.com/v1/projects/P/locations/L/endpoints/openapi", "/v1/projects/P/locations/L/endpoints/openapi/chat/completions");
    row("compatible", "https://h.example/any/chat/completions", "/any/chat/completions"); // pasted whole
    row("compatible", "https://h.example/any/v1/chat/completions", "/any/v1/chat/completions");
    row("compatible", "https://h.example/any", "/any/v1/chat/completions");
    row("compatible", "https://models.github.ai.evil.example/inference", "/inference/v1/chat/completions");
    row("groq", "https://api.groq.com/openai/v1", "/openai/v1/chat/completions");
    row("openai", "https://api.openai.com", "/v1/chat/completions");
    row("azure", "https://x.openai.azure.com", "/openai/v1/chat/completions");
    row("azure", "https://x.openai.azure.com/openai/v1", "/openai/v1/chat/completions");
}

void TstProviderUrl::requests()
{
    QFETCH(QString, given);
    const std::string tag = QTest::currentDataTag();
    const ProviderProfile profile = profileOf(tag.substr(tag.find('|') + 1).c_str());
    const auto read = readProviderUrl(given.toStdString(), profile);
    QVERIFY(read.ok());
    QTEST(QString::fromStdString(joinPath(read->url, "/v1/chat/completions")), "path");
}

void TstProviderUrl::whoDecides()
{
    ProviderProfile profile = profileOf("compatible");
    const auto form = [&profile](const char *url, std::optional<bool> version = {}) {
        const auto read = readProviderUrl(url, profile, version);
        return read ? read->url.form : PathForm::Azure;
    };
    QVERIFY(form("https://h.example/x") == PathForm::ByBasePath);
    QVERIFY(form("https://h.example/x", false) == PathForm::WithoutVersion);
    QVERIFY(form("https://models.github.ai/inference", true) == PathForm::WithVersion); // the caller before all
    QVERIFY(form("https://h.example/x/chat/completions", true) == PathForm::WithVersion);
    profile.versionSegment = true;
    QVERIFY(form("https://models.github.ai/inference") == PathForm::WithVersion); // the profile before its hosts
    QVERIFY(form("https://h.example/x/chat/completions") == PathForm::WithoutVersion); // a pasted endpoint before the profile
}

void TstProviderUrl::queries()
{
    QVERIFY(!readProviderUrl("https://a.example/v1?x=1", profileOf("openai")).ok());
    QVERIFY(!readProviderUrl("https://a.example/v1/chat/completions?key=x", profileOf("openai")).ok());
    QVERIFY(!readProviderUrl("https://x.openai.azure.com?api-key=x", profileOf("azure")).ok());
    QCOMPARE(readProviderUrl("https://x.openai.azure.com/?api-version=1", profileOf("azure"))->url.query, std::string("api-version=1"));
}

void TstProviderUrl::hosts()
{
    const auto problem = [](const char *url, HostRules rules = {}) { return refusedHost(*parseBaseUrl(url), rules) != nullptr; };
    for (const char *good : {"https://a.example", "http://localhost:1", "http://a.localhost", "http://127.0.0.1", "http://10.0.0.1", "http://[::1]", "http://[fd00::1]", "https://8.8.8.8"})
        QVERIFY2(!problem(good), good);
    for (const char *bad : {"http://a.example", "http://8.8.8.8", "http://127.evil.example", "https://169.254.169.254/v1", "http://0251.0376.0251.0376/", "http://2852039166/", "http://[::ffff:169.254.169.254]/",
                            "https://169.254.10.10", "http://１２７.evil.example"})
        QVERIFY2(problem(bad), bad);
    QVERIFY(!problem("http://a.example", {false, true}));
    QVERIFY(!problem("https://169.254.10.10", {true, false}));
    QVERIFY(problem("https://169.254.169.254", {true, true}));
}

REGISTER_TEST(TstProviderUrl)
#include "tst_provider_url.moc"
