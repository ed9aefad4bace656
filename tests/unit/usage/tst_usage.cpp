// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "usage/usage.h"

using namespace llmproxy;

class TstUsage : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void forms_data();
    void forms();
    void unknownIsNotZero();
    void eventsWithDataAreCounted();
    void notFooledByText();
};

void TstUsage::forms_data()
{
    QTest::addColumn<QByteArray>("type");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("prompt");
    QTest::addColumn<int>("completion");
    QTest::addColumn<QByteArray>("model");
    QTest::newRow("openai chat") << QByteArray("application/json")
        << QByteArray(R"({"id":"x","model":"gpt-4o","choices":[{"message":{"content":"usage: {\"usage\":1}"}}],"usage":{"prompt_tokens":9,"completion_tokens":12,"details":{"input_tokens":1}}})")
        << 9 << 12 << QByteArray("gpt-4o");
    QTest::newRow("openai stream") << QByteArray("text/event-stream; charset=utf-8")
        << QByteArray("data: {\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\ndata: {\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n")
        << 3 << 4 << QByteArray("gpt-4o");
    QTest::newRow("responses stream") << QByteArray("text/event-stream")
        << QByteArray("event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"o3\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}}\r\n\r\n")
        << 5 << 6 << QByteArray("o3");
    QTest::newRow("anthropic stream") << QByteArray("text/event-stream")
        << QByteArray("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n: comment\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n")
        << 25 << 15 << QByteArray("claude-x");
    QTest::newRow("gemini") << QByteArray("application/json; charset=UTF-8")
        << QByteArray(R"({"candidates":[{}],"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":8},"modelVersion":"gemini-2"})")
        << 7 << 8 << QByteArray("gemini-2");
    QTest::newRow("blanks, and numbers before what counts") << QByteArray("application/json")
        << QByteArray("{ \"created\" : 1710000000 , \"score\":-1.5e+3,\"ok\":true, \"model\" :\"m-1\", \"list\":[1,2,{\"usage\":{\"prompt_tokens\":1}}],\n"
                      " \"usage\" : { \"prompt_tokens\" : 13 , \"rate\":0.5, \"completion_tokens\":14 } }")
        << 13 << 14 << QByteArray("m-1");
    QTest::newRow("ollama lines") << QByteArray("application/x-ndjson")
        << QByteArray("{\"model\":\"llama3\",\"done\":false}\n{\"model\":\"llama3\",\"done\":true,\"prompt_eval_count\":11,\"eval_count\":22}\n")
        << 11 << 22 << QByteArray("llama3");
}

void TstUsage::forms()
{
    QFETCH(QByteArray, type);
    QFETCH(QByteArray, body);
    QFETCH(int, prompt);
    QFETCH(int, completion);
    QFETCH(QByteArray, model);
    const std::string text = body.toStdString();
    for (const size_t cut : {size_t{1}, size_t{2}, size_t{7}, text.size()}) {
        UsageReader reader;
        QVERIFY(reader.begin(type.toStdString()));
        for (size_t at = 0; at < text.size(); at += cut)
            reader.feed(std::string_view(text).substr(at, cut));
        QCOMPARE(reader.usage().promptTokens, int64_t{prompt});
        QCOMPARE(reader.usage().completionTokens, int64_t{completion});
        QCOMPARE(reader.usage().model, model.toStdString());
    }
}

void TstUsage::unknownIsNotZero()
{
    UsageReader reader;
    QVERIFY(!reader.begin("image/png"));
    QVERIFY(reader.begin("application/json"));
    reader.feed(R"({"usage":{"prompt_tokens":"many","completion_tokens":-3}})");
    QVERIFY(!reader.usage().known());
}

void TstUsage::eventsWithDataAreCounted()
{
    UsageReader reader;
    QVERIFY(reader.begin("text/event-stream"));
    for (const char byte : std::string_view(": hello\n\nevent: x\ndata: {}\n\ndata:[DONE]\n\n"))
        reader.feed({&byte, 1});
    QCOMPARE(reader.events(), 2);
}

void TstUsage::notFooledByText()
{
    UsageReader reader;
    QVERIFY(reader.begin("application/json"));
    reader.feed(R"({"a":["usage",{"usage":{"prompt_tokens":1}}],"b":"\"usage\":{\"prompt_tokens\":2}"})");
    QVERIFY(!reader.usage().known());
}

REGISTER_TEST(TstUsage)
#include "tst_usage.moc"
