// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "exchange/path_readings.h"

#include <algorithm>

using namespace llmproxy;

class TstPathReadings : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void batches_data();
    void batches();
    void dots_data();
    void dots();
    void globs();
    void models();
    void bedrockModels();
};

void TstPathReadings::batches_data()
{
    QTest::addColumn<bool>("found");
    for (const char *path : {"/v1/batches", "/v1/batches/", "/v1/batches//", "/v1/batches%20", "/v1/batches%20%09/", "/v1/%20batches", "/v1/batches;x", "/v1/batches;x=/", "/v1;a/batches;b", "/v1/BATCHES", "/v1/Batches;x",
                             "/v1/%62atches", "/v1/%42atches", "/v1/%2562atches", "/v1/b%2561tches", "/v1/%c1%a2atches", "/v1/%25c1%25a2atches", "/v1/%e0%81%a2atches", "/v1/%f0%80%81%a2atches",
                             "/v1/%f8%80%80%81%a2atches", "/v1%2fbatches", "/v1%252fbatches", "/v1%5cbatches", "/v1%c0%afbatches", "/v1/batches%2f", "/v1/batches%3b", "/v1/batches%253bx", "/v1/batches%3fx=/y",
                             "/v1/batches%23/x", "/v1/batches%2500/x", "/v1/batches.json", "/v1/batches.", "/v1/batches%2e", "/v1/messages/batches/", "/v1/%2f/batches"})
        QTest::newRow(path) << true;
    for (const char *path : {"/v1/batches2", "/v1/batches/b1", "/v1/batch", "/v1/my-batches", "/v1/%2525362atches", "/v1/chat/completions", "/", "/v1/%c3%a2atches"})
        QTest::newRow(path) << false;
}

void TstPathReadings::batches()
{
    QFETCH(bool, found);
    QCOMPARE(isBatchPath(QTest::currentDataTag()), found);
}

void TstPathReadings::dots_data()
{
    QTest::addColumn<bool>("found");
    for (const char *path : {"/v1/../x", "/v1/./x", "/v1/..", "/v1/.", "/v1/%2e%2e/x", "/v1/.%2e", "/v1/%252e%252e/x", "/v1/%252e", "/v1/%c0%ae%c0%ae/x", "/v1/%25c0%25ae.", "/v1/..;/x", "/v1/..;a=b/x", "/v1/..%3b/x", "/v1/..%20/x",
                             "/v1/a%2f..%2fb", "/v1/a%252f..%252fb", "/v1/a%5c..", "/v1/a%255c..%255cb", "/v1/..%2fx", "/v1/..%00", "/v1/..%2500"})
        QTest::newRow(path) << true;
    for (const char *path : {"/v1/...", "/v1/a.b", "/v1/.well", "/v1/a..", "/v1/models/gpt-4%2e1", "/v1/models/org%2Fname", "/v1/%25252e%25252e/x", "/v1/x;.."})
        QTest::newRow(path) << false;
}

void TstPathReadings::dots()
{
    QFETCH(bool, found);
    QCOMPARE(hasDotSegment(QTest::currentDataTag()), found);
}

void TstPathReadings::globs()
{
    const std::vector<std::string> rules{"/v1/models", "/v1/chat/*", "/v1/files/"};
    for (const char *path : {"/v1/models", "/v1/models/", "/v1/models;x", "/v1/models;x=y/", "/v1/chat/completions", "/v1/chat/a%2Fb", "/v1/files", "/v1/files/", "/v1/chat/%25"})
        QVERIFY2(allowedInEachReading(rules, path), path);
    for (const char *path : {"/v1/%6dodels", "/v1/models%20", "/v1/%63hat/completions", "/v1/chat", "/v1/chat/", "/v1/chat/;x", "/v1/embeddings", "/v1/models%2fx", "/v1/chat/%3f", "/v1/chat%2fx", "/V1/models", "/v1/models/x"})
        QVERIFY2(!allowedInEachReading(rules, path), path);
    // A rule that names part of a segment is not met by what a decoding moves elsewhere.
    QVERIFY(!allowedInEachReading({"*/models"}, "/v1/batches%3f/models"));
    QVERIFY(!allowedInEachReading({"*/models"}, "/v1/batches%2523/models"));
}

void TstPathReadings::models()
{
    using Names = std::vector<std::string>;
    QCOMPARE(modelsInPath("/v1beta/models/gemini-2.5:generateContent"), Names{"gemini-2.5"});
    QCOMPARE(modelsInPath("/v1beta/tunedModels/x:generateContent"), Names{"x"});
    QCOMPARE(modelsInPath("/openai/deployments/my%20one/chat/completions"), Names{"my one"});
    QCOMPARE(modelsInPath("/v1beta/models/gemini-2.5/;x"), Names{"gemini-2.5"});
    QCOMPARE(modelsInPath("/v1beta/Models/x:generateContent"), Names{"x"});
    QCOMPARE(modelsInPath("/v1beta/models/org%2Fname:generateContent"), (Names{"org/name", "org"}));
    QCOMPARE(modelsInPath("/v1beta/%6dodels/x:generateContent"), (Names{"", "x"}));
    QCOMPARE(modelsInPath("/v1beta/models/a%253ab:generateContent"), (Names{"a%3ab", "a"}));
    QCOMPARE(modelsInPath("/v1/chat/completions"), Names());
    QCOMPARE(modelsInPath("/v1/chat%20/completions"), Names());
    const Names hidden = modelsInPath("/v1beta/models%2fevil%2f..;/models/good:generateContent");
    QVERIFY(std::find(hidden.begin(), hidden.end(), "evil") != hidden.end());
}

void TstPathReadings::bedrockModels()
{
    using Names = std::vector<std::string>;
    QCOMPARE(bedrockModelsInPath("/model/anthropic.claude-v2:0/invoke"), Names{"anthropic.claude-v2:0"});
    QCOMPARE(bedrockModelsInPath("/model/anthropic.claude-v2%3A0/converse-stream"), Names{"anthropic.claude-v2:0"});
    QCOMPARE(bedrockModelsInPath("/model/arn:aws:bedrock:us-east-1:123:inference-profile%2Fus.a/invoke"), Names{"arn:aws:bedrock:us-east-1:123:inference-profile/us.a"});
    QCOMPARE(bedrockModelsInPath("/model/a%253A0/invoke"), (Names{"a%3A0", "a:0"}));
    QCOMPARE(bedrockModelsInPath("/model/a%2Finvoke%3F/x"), (Names{"a/invoke?", "a"}));
    QCOMPARE(bedrockModelsInPath("/model/a%c0%afb/invoke"), (Names{"a\xc0\xaf" "b", "a/b"}));
    QCOMPARE(bedrockModelsInPath("/mode%6c/a/invoke"), (Names{"", "a"}));
    for (const char *none : {"/openai/v1/chat/completions", "/v1/chat/completions/model/a/invoke", "/model", "/model/a", "/model/invoke"})
        QCOMPARE(bedrockModelsInPath(none), Names());
}

REGISTER_TEST(TstPathReadings)
#include "tst_path_readings.moc"
