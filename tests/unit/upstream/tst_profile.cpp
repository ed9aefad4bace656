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
    void hostsWithoutVersion();
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
        {"providers:\n  x:\n    base_url: https://a?key=b\n", "base_url"},
        {"providers:\n  x:\n    api: soap\n", "api"},
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

void TstProfile::hostsWithoutVersion()
{
    Profiles own;
    QVERIFY(!addProfiles("hosts_without_version: [one.example/x]\nproviders:\n  a: {base_url: 'https://a.example'}\n", &own).has_value());
    QVERIFY(!addProfiles("hosts_without_version: [two.example]\nproviders:\n  b: {version_segment: false}\n", &own).has_value());
    const std::vector<std::string> both{"one.example/x", "two.example"};
    QCOMPARE(own["a"].hostsWithoutVersion, both); // a later file adds
    QCOMPARE(own["b"].hostsWithoutVersion, both);
    QCOMPARE(own["a"].versionSegment, std::optional<bool>());
    QCOMPARE(own["b"].versionSegment, std::optional<bool>(false));
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
