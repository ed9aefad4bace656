// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "demo/demo_provider.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtEndian>

using namespace llmproxy;

namespace {

struct Event
{
    QString name;
    QJsonObject data;
};

QJsonObject object(const DemoReply &reply)
{
    return QJsonDocument::fromJson(QByteArray::fromStdString(reply.chunks.at(0).bytes)).object();
}

QByteArray bytesOf(const DemoReply &reply)
{
    QByteArray all;
    for (const DemoChunk &chunk : reply.chunks)
        all += QByteArray::fromStdString(chunk.bytes);
    return all;
}

// Reads the stream as a client does: blocks end with an empty line.
QList<Event> eventsOf(const DemoReply &reply)
{
    QList<Event> events;
    const QString text = QString::fromUtf8(bytesOf(reply));
    const QStringList blocks = text.split(QStringLiteral("\n\n"), Qt::SkipEmptyParts);
    for (const QString &block : blocks) {
        Event event;
        const QStringList lines = block.split(QLatin1Char('\n'));
        for (const QString &line : lines) {
            if (line.startsWith(QLatin1String("event: ")))
                event.name = line.mid(7);
            else if (line.startsWith(QLatin1String("data: ")))
                event.data = QJsonDocument::fromJson(line.mid(6).toUtf8()).object();
        }
        events.append(event);
    }
    return events;
}

QJsonValue at(const QJsonValue &value, const char *path)
{
    QJsonValue here = value;
    const QStringList steps = QString::fromLatin1(path).split(QLatin1Char('.'));
    for (const QString &step : steps) {
        bool isIndex = false;
        const int index = step.toInt(&isIndex);
        here = isIndex ? here.toArray().at(index) : here.toObject().value(step);
    }
    return here;
}

const char kChatTools[] = R"({"model":"m","STREAM"messages":[{"role":"user","content":"use a tool please"}],
 "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":
 {"city":{"type":"string"},"unit":{"enum":["C","F"]},"days":{"type":"integer"}}}}}]})";

std::string chatTools(bool stream)
{
    std::string body = kChatTools;
    const std::string mark = "STREAM\"";
    return body.replace(body.find(mark), mark.size(), stream ? "stream\":true,\"" : "user\":\"u\",\"");
}

} // namespace

class TstDemoProvider : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void chat();
    void chatStream();
    void chatToolCall();
    void responses();
    void responsesStream();
    void messages();
    void messagesStream();
    void anthropicToolUse();
    void embeddings();
    void models();
    void refusals_data();
    void refusals();
};

void TstDemoProvider::chat()
{
    const auto reply = demoReply("POST", "/v1/chat/completions?x=1",
                                 R"({"model":"gpt-x","messages":[{"role":"system","content":"be brief"},
                                     {"role":"user","content":[{"type":"text","text":"good morning \u00fc"}]}]})");
    QCOMPARE(reply.status, 200);
    QVERIFY(!reply.streamed);
    QCOMPARE(reply.chunks.size(), size_t(1));
    const QJsonObject body = object(reply);
    QCOMPARE(at(body, "object").toString(), QStringLiteral("chat.completion"));
    QCOMPARE(at(body, "model").toString(), QStringLiteral("gpt-x"));
    QVERIFY(at(body, "id").toString().startsWith(QLatin1String("chatcmpl-")));
    QVERIFY(at(body, "choices.0.message.content").toString().contains(QStringLiteral("good morning \u00fc")));
    QCOMPARE(at(body, "choices.0.finish_reason").toString(), QStringLiteral("stop"));
    QCOMPARE(at(body, "usage.prompt_tokens").toInt(), 5);
    const int words = static_cast<int>(
        at(body, "choices.0.message.content").toString().split(QLatin1Char(' '), Qt::SkipEmptyParts).size());
    QCOMPARE(at(body, "usage.completion_tokens").toInt(), words);
    QCOMPARE(at(body, "usage.total_tokens").toInt(), 5 + words);

    const auto cut = object(
        demoReply("POST", "/v1/chat/completions",
                  R"({"model":"m","max_tokens":3,"messages":[{"role":"user","content":"count to 9"}]})"));
    QCOMPARE(at(cut, "choices.0.message.content").toString(), QStringLiteral("1 2 3"));
    QCOMPARE(at(cut, "choices.0.finish_reason").toString(), QStringLiteral("length"));
}

void TstDemoProvider::chatStream()
{
    const auto reply = demoReply("POST", "/v1/chat/completions",
                                 R"({"model":"m","stream":true,"stream_options":{"include_usage":true},
                                     "messages":[{"role":"user","content":"count to 4"}]})");
    QVERIFY(reply.streamed);
    QVERIFY(reply.contentType.starts_with("text/event-stream"));
    for (const DemoChunk &chunk : reply.chunks)
        QCOMPARE(chunk.delayMs, 30);
    QVERIFY(bytesOf(reply).endsWith("data: [DONE]\n\n"));
    const auto events = eventsOf(reply);
    QCOMPARE(events.size(), 8); // role, four numbers, finish, usage, [DONE]
    QCOMPARE(at(events[0].data, "choices.0.delta.role").toString(), QStringLiteral("assistant"));
    QString text;
    for (const Event &event : events)
        text += at(event.data, "choices.0.delta.content").toString();
    QCOMPARE(text, QStringLiteral("1 2 3 4"));
    QVERIFY(events[1].data.value(QLatin1String("usage")).isNull());
    QCOMPARE(at(events[5].data, "choices.0.finish_reason").toString(), QStringLiteral("stop"));
    QVERIFY(at(events[6].data, "choices").toArray().isEmpty());
    QCOMPARE(at(events[6].data, "usage.completion_tokens").toInt(), 4);

    const auto without =
        demoReply("POST", "/v1/chat/completions",
                  R"({"model":"m","stream":true,"messages":[{"role":"user","content":"count to 4"}]})");
    QVERIFY(!bytesOf(without).contains("usage"));
}

void TstDemoProvider::chatToolCall()
{
    const QJsonObject body = object(demoReply("POST", "/v1/chat/completions", chatTools(false)));
    QCOMPARE(at(body, "choices.0.finish_reason").toString(), QStringLiteral("tool_calls"));
    QCOMPARE(at(body, "choices.0.message.tool_calls.0.function.name").toString(), QStringLiteral("weather"));
    QCOMPARE(at(body, "choices.0.message.tool_calls.0.function.arguments").toString(),
             QStringLiteral(R"({"city":"demo","days":1,"unit":"C"})"));

    const auto events = eventsOf(demoReply("POST", "/v1/chat/completions", chatTools(true)));
    QCOMPARE(at(events[0].data, "choices.0.delta.tool_calls.0.function.name").toString(),
             QStringLiteral("weather"));
    QString arguments;
    for (const Event &event : events)
        arguments += at(event.data, "choices.0.delta.tool_calls.0.function.arguments").toString();
    QCOMPARE(arguments, QStringLiteral(R"({"city":"demo","days":1,"unit":"C"})"));
    QCOMPARE(at(events[2].data, "choices.0.finish_reason").toString(), QStringLiteral("tool_calls"));
}

void TstDemoProvider::responses()
{
    const QJsonObject body = object(demoReply(
        "POST", "/v1/responses", R"({"model":"m","instructions":"be brief","input":[{"role":"user","content":
        [{"type":"input_text","text":"count to 3"}]}]})"));
    QCOMPARE(at(body, "object").toString(), QStringLiteral("response"));
    QCOMPARE(at(body, "status").toString(), QStringLiteral("completed"));
    QCOMPARE(at(body, "output.0.content.0.text").toString(), QStringLiteral("1 2 3"));
    QCOMPARE(at(body, "usage.input_tokens").toInt(), 5);
    QCOMPARE(at(body, "usage.output_tokens").toInt(), 3);

    const QJsonObject cut = object(
        demoReply("POST", "/v1/responses", R"({"model":"m","max_output_tokens":2,"input":"count to 3"})"));
    QCOMPARE(at(cut, "status").toString(), QStringLiteral("incomplete"));
    QCOMPARE(at(cut, "incomplete_details.reason").toString(), QStringLiteral("max_output_tokens"));
}

void TstDemoProvider::responsesStream()
{
    const auto events =
        eventsOf(demoReply("POST", "/v1/responses", R"({"model":"m","stream":true,"input":"count to 3"})"));
    QString text;
    for (qsizetype i = 0; i < events.size(); ++i) {
        QCOMPARE(events[i].name, at(events[i].data, "type").toString());
        QCOMPARE(at(events[i].data, "sequence_number").toInt(-1), static_cast<int>(i));
        text += at(events[i].data, "delta").toString();
    }
    QCOMPARE(text, QStringLiteral("1 2 3"));
    QCOMPARE(events.first().name, QStringLiteral("response.created"));
    QCOMPARE(events.last().name, QStringLiteral("response.completed"));
    QCOMPARE(at(events.last().data, "response.usage.total_tokens").toInt(), 6);

    const auto calls = eventsOf(demoReply("POST", "/v1/responses",
                                          R"({"model":"m","stream":true,"input":"hi","tool_choice":"required",
        "tools":[{"type":"function","name":"now","parameters":{"type":"object","properties":{}}}]})"));
    QCOMPARE(at(calls.last().data, "response.output.0.type").toString(), QStringLiteral("function_call"));
    QCOMPARE(at(calls.last().data, "response.output.0.arguments").toString(), QStringLiteral("{}"));
}

void TstDemoProvider::messages()
{
    const std::string_view request = R"({"model":"claude-x","max_tokens":100,"system":"be brief",
        "messages":[{"role":"user","content":"count to 3"}]})";
    const QJsonObject body = object(demoReply("POST", "/v1/messages?beta=true", request));
    QCOMPARE(at(body, "type").toString(), QStringLiteral("message"));
    QCOMPARE(at(body, "content.0.text").toString(), QStringLiteral("1 2 3"));
    QCOMPARE(at(body, "stop_reason").toString(), QStringLiteral("end_turn"));
    QCOMPARE(at(body, "usage.input_tokens").toInt(), 5);
    QCOMPARE(at(body, "usage.output_tokens").toInt(), 3);
    QCOMPARE(at(object(demoReply("POST", "/v1/messages/count_tokens", request)), "input_tokens").toInt(), 5);
}

void TstDemoProvider::messagesStream()
{
    const auto events = eventsOf(demoReply("POST", "/v1/messages",
                                           R"({"model":"m","max_tokens":2,"stream":true,
                                               "messages":[{"role":"user","content":"count to 3"}]})"));
    QStringList names;
    QString text;
    for (const Event &event : events) {
        QCOMPARE(event.name, at(event.data, "type").toString());
        names += event.name;
        text += at(event.data, "delta.text").toString();
    }
    QCOMPARE(names.join(QLatin1Char(' ')),
             QStringLiteral("message_start content_block_start ping content_block_delta content_block_delta "
                            "content_block_stop message_delta message_stop"));
    QCOMPARE(text, QStringLiteral("1 2"));
    QCOMPARE(at(events[6].data, "delta.stop_reason").toString(), QStringLiteral("max_tokens"));
    QCOMPARE(at(events[6].data, "usage.output_tokens").toInt(), 2);
}

void TstDemoProvider::anthropicToolUse()
{
    const std::string_view request =
        R"({"model":"m","max_tokens":50,"messages":[{"role":"user","content":"weather?"}],
        "tools":[{"name":"weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}]})";
    const QJsonObject body = object(demoReply("POST", "/v1/messages", request));
    QCOMPARE(at(body, "stop_reason").toString(), QStringLiteral("tool_use"));
    QCOMPARE(at(body, "content.0.input.city").toString(), QStringLiteral("demo"));

    const QJsonObject answered = object(demoReply("POST", "/v1/messages", R"({"model":"m","max_tokens":50,
        "messages":[{"role":"user","content":"weather?"},
                    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"sunny and warm"}]}],
        "tools":[{"name":"weather","input_schema":{"type":"object"}}]})"));
    QCOMPARE(at(answered, "stop_reason").toString(), QStringLiteral("end_turn"));
    QCOMPARE(at(answered, "usage.input_tokens").toInt(), 4);
}

void TstDemoProvider::embeddings()
{
    const QJsonObject floats = object(demoReply(
        "POST", "/v1/embeddings", R"({"model":"e","input":["one two","three","one two"],"dimensions":64})"));
    QCOMPARE(at(floats, "data").toArray().size(), 3);
    QCOMPARE(at(floats, "data.0.embedding").toArray().size(), 64);
    QCOMPARE(at(floats, "data.0.embedding"), at(floats, "data.2.embedding"));
    QVERIFY(at(floats, "data.0.embedding") != at(floats, "data.1.embedding"));
    QCOMPARE(at(floats, "usage.prompt_tokens").toInt(), 5);
    double squares = 0;
    const QJsonArray values = at(floats, "data.0.embedding").toArray();
    for (const QJsonValue &value : values)
        squares += value.toDouble() * value.toDouble();
    QVERIFY(qAbs(squares - 1.0) < 1e-4);

    const QJsonObject packed =
        object(demoReply("POST", "/v1/embeddings",
                         R"({"model":"e","input":"one two","dimensions":64,"encoding_format":"base64"})"));
    const QByteArray bytes = QByteArray::fromBase64(at(packed, "data.0.embedding").toString().toLatin1());
    QCOMPARE(bytes.size(), 64 * 4);
    QCOMPARE(qFromLittleEndian<float>(bytes.constData()), static_cast<float>(values.at(0).toDouble()));

    const QJsonObject tokens =
        object(demoReply("POST", "/v1/embeddings", R"({"model":"e","input":[1,2,3]})"));
    QCOMPARE(at(tokens, "data.0.embedding").toArray().size(), 1536);
    QCOMPARE(at(tokens, "usage.total_tokens").toInt(), 3);
}

void TstDemoProvider::models()
{
    const QJsonObject list = object(demoReply("GET", "/v1/models?limit=1000", {}));
    QCOMPARE(at(list, "object").toString(), QStringLiteral("list"));
    const QString id = at(list, "data.0.id").toString();
    QCOMPARE(at(object(demoReply("GET", "/v1/models/" + id.toStdString(), {})), "id").toString(), id);
    QCOMPARE(demoReply("GET", "/v1/models/none-such", {}).status, 404);
}

void TstDemoProvider::refusals_data()
{
    QTest::addColumn<QByteArray>("method");
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<int>("status");
    QTest::addColumn<bool>("anthropic");
    const QByteArray post = "POST";
    QTest::newRow("unknown path") << post << QByteArray("/v1/nothing") << QByteArray("{}") << 404 << false;
    QTest::newRow("method") << QByteArray("GET") << QByteArray("/v1/responses") << QByteArray() << 405
                            << false;
    QTest::newRow("cut JSON") << post << QByteArray("/v1/chat/completions") << QByteArray("{\"model\":")
                              << 400 << false;
    QTest::newRow("no object") << post << QByteArray("/v1/responses") << QByteArray("[]") << 400 << false;
    QTest::newRow("no body") << post << QByteArray("/v1/messages") << QByteArray() << 400 << true;
    QTest::newRow("no model") << post << QByteArray("/v1/chat/completions") << QByteArray("{}") << 400
                              << false;
    QTest::newRow("model of another type") << post << QByteArray("/v1/chat/completions")
                                           << QByteArray(R"({"model":[],"messages":{}})") << 400 << false;
    QTest::newRow("no messages") << post << QByteArray("/v1/chat/completions")
                                 << QByteArray(R"({"model":"m"})") << 400 << false;
    QTest::newRow("no input") << post << QByteArray("/v1/responses") << QByteArray(R"({"model":"m"})") << 400
                              << false;
    QTest::newRow("no max_tokens") << post << QByteArray("/v1/messages")
                                   << QByteArray(
                                          R"({"model":"m","messages":[{"role":"user","content":"a"}]})")
                                   << 400 << true;
    QTest::newRow("dimensions") << post << QByteArray("/v1/embeddings")
                                << QByteArray(R"({"model":"e","input":"a","dimensions":9999})") << 400
                                << false;
}

void TstDemoProvider::refusals()
{
    QFETCH(QByteArray, method);
    QFETCH(QByteArray, path);
    QFETCH(QByteArray, body);
    QFETCH(int, status);
    QFETCH(bool, anthropic);
    const auto reply = demoReply(method.toStdString(), path.toStdString(), body.toStdString());
    QCOMPARE(reply.status, status);
    QVERIFY(!reply.streamed);
    const QJsonObject answer = object(reply);
    QCOMPARE(answer.contains(QLatin1String("type")), anthropic);
    QVERIFY(!at(answer, "error.message").toString().isEmpty());
}

REGISTER_TEST(TstDemoProvider)
#include "tst_demo_provider.moc"
