// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "upstream/profile.h"

using namespace llmproxy;

class TstProfile : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void builtin();
    void errorsNameTheKey();
    void streamUsageIsAskedOfItsOwnHost();
    void baseUrls();
    void paths();
    void globs();
};

void TstProfile::builtin()
{
    const auto profiles = loadProfiles({});
    QVERIFY(profiles.ok());
    for (const char *name : {"openai", "anthropic", "gemini", "azure", "ollama", "vllm", "compatible"})
        QVERIFY2(profiles->find(name) != profiles->end(), name);
    QVERIFY(profiles->find("anthropic")->second.auth == AuthForm::XApiKey);
}

void TstProfile::errorsNameTheKey()
{
    const std::pair<const char *, const char *> cases[] = {
        {"providers:\n  x:\n    base_urll: https://a\n", "base_urll"},
        {"providers:\n  x:\n    auth: cookie\n", "auth"},
        {"providers:\n  x:\n    base_url: ftp://a\n", "base_url"},
        {"providers:\n  x:\n    timeouts: {total: 3s}\n", "timeouts.total"},
        {"providers:\n  x:\n    timeouts: {idle: 3}\n", "timeouts.idle"},
        {"providers:\n  x:\n    param_whitelist: [a]\n", "param_whitelist"},
        {"providers:\n  manage:\n    auth: bearer\n", "name"},
        {"other: 1\n", "other"},
        {"providers: [\n", "API_CONFIG_PATH"},
    };
    for (const auto &[yaml, key] : cases) {
        Profiles profiles;
        const Outcome problem = addProfiles(yaml, &profiles);
        QVERIFY2(problem.has_value(), yaml);
        QCOMPARE(problem->field, std::string(key));
    }
}

void TstProfile::streamUsageIsAskedOfItsOwnHost()
{
    const auto profiles = loadProfiles({});
    QVERIFY(profiles.ok());
    const ProviderProfile &openai = profiles->find("openai")->second;
    QVERIFY(asksStreamUsage(openai, ""));
    QVERIFY(asksStreamUsage(openai, "https://API.openai.com/v1/other"));
    for (const char *elsewhere : {"https://strict.example/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1", "https://api.openai.com.example/v1"})
        QVERIFY2(!asksStreamUsage(openai, elsewhere), elsewhere);
    QVERIFY(!asksStreamUsage(profiles->find("compatible")->second, "https://strict.example/v1")); // it has no host of its own
    Profiles own;
    QVERIFY(!addProfiles("providers:\n  yes: {base_url: \"\", ask_stream_usage: true}\n  no: {base_url: https://a.example, ask_stream_usage: false}\n", &own).has_value());
    QVERIFY(asksStreamUsage(own["yes"], "https://anywhere.example/v1"));
    QVERIFY(!asksStreamUsage(own["no"], ""));
}

void TstProfile::baseUrls()
{
    const auto url = parseBaseUrl("http://[::1]:8000/v1/");
    QVERIFY(url.ok());
    QCOMPARE(url->host, std::string("::1"));
    QCOMPARE(url->path, std::string("/v1"));
    QCOMPARE(url->authority(), std::string("[::1]:8000"));
    QCOMPARE(parseBaseUrl("https://api.openai.com")->authority(), std::string("api.openai.com"));
    for (const char *bad : {"api.openai.com", "https://", "https://a:0", "https://a:x", "https://u:p@a", "https://a?b", "https://a#b", "https://%31.2.3.4", "https://a\\b",
                            "https://[a.example]", "https://[::1"})
        QVERIFY2(!parseBaseUrl(bad).ok(), bad);
    // One spelling, whichever was given.
    QCOMPARE(parseBaseUrl("https://API.Example.COM")->host, std::string("api.example.com"));
    QCOMPARE(parseBaseUrl("https://bücher.example")->host, std::string("xn--bcher-kva.example"));
    QCOMPARE(parseBaseUrl("http://0xA9FEA9FE")->host, std::string("169.254.169.254"));
    QCOMPARE(parseBaseUrl("http://[::FFFF:127.0.0.1]:80")->host, std::string("127.0.0.1"));
}

void TstProfile::paths()
{
    QCOMPARE(joinPath("/v1", "/v1/chat/completions"), std::string("/v1/chat/completions"));
    QCOMPARE(joinPath("", "/v1/messages"), std::string("/v1/messages"));
    QCOMPARE(joinPath("/api/v3", "/v1/x"), std::string("/api/v3/x"));
    QCOMPARE(joinPath("/v1beta/openai", "/v1/x"), std::string("/v1beta/openai/x"));
    QCOMPARE(joinPath("/v1", "/api/chat"), std::string("/v1/api/chat"));
    QCOMPARE(joinPath("/openai", "/openai/deployments/d/x"), std::string("/openai/deployments/d/x"));
    QCOMPARE(joinPath("", "/api/chat"), std::string("/api/chat"));
}

void TstProfile::globs()
{
    QVERIFY(globMatches("gpt-4o*", "gpt-4o-mini"));
    QVERIFY(!globMatches("gpt-4o", "gpt-4o-mini"));
    QVERIFY(globMatches("*", ""));
    QVERIFY(globMatches("/v1/*/x", "/v1/a/b/x"));
    QVERIFY(!globMatches("g?t", "gt"));
    QVERIFY(!globMatches(std::string(50, '*') + "b", std::string(5000, 'a'))); // no exponential time
}

REGISTER_TEST(TstProfile)
#include "tst_profile.moc"
