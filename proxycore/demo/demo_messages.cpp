// SPDX-License-Identifier: GPL-3.0-only
// Anthropic's POST /v1/messages and /v1/messages/count_tokens.
#include "demo/demo_text.h"

#include <QJsonDocument>

namespace llmproxy::demo {

namespace {

Conversation messageConversation(const QJsonObject &request)
{
    Conversation conversation;
    conversation.model = request.value(QLatin1String("model")).toString();
    conversation.stream = request.value(QLatin1String("stream")).toBool();
    conversation.maxTokens = request.value(QLatin1String("max_tokens")).toInt(-1);
    conversation.inputTokens = tokensIn(textOf(request.value(QLatin1String("system"))));
    const QJsonArray tools = request.value(QLatin1String("tools")).toArray();
    for (const QJsonValue &entry : tools) {
        const QJsonObject tool = entry.toObject();
        conversation.tools.append({tool.value(QLatin1String("name")).toString(),
                                   tool.value(QLatin1String("input_schema")).toObject()});
    }
    const QJsonObject choice = request.value(QLatin1String("tool_choice")).toObject();
    const QString choiceType = choice.value(QLatin1String("type")).toString();
    if (choiceType == QLatin1String("tool"))
        conversation.toolChoice = choice.value(QLatin1String("name")).toString();
    else
        conversation.toolChoice =
            choiceType == QLatin1String("any") ? QStringLiteral("required") : choiceType;
    const QJsonArray messages = request.value(QLatin1String("messages")).toArray();
    for (const QJsonValue &entry : messages) {
        const QJsonObject message = entry.toObject();
        const QJsonValue content = message.value(QLatin1String("content"));
        const QString text = textOf(content);
        conversation.inputTokens += tokensIn(text);
        conversation.answersTool = false;
        const QJsonArray blocks = content.toArray();
        for (const QJsonValue &block : blocks) {
            if (block.toObject().value(QLatin1String("type")) == QLatin1String("tool_result")) {
                conversation.answersTool = true;
                conversation.inputTokens +=
                    tokensIn(textOf(block.toObject().value(QLatin1String("content"))));
            }
        }
        if (message.value(QLatin1String("role")) == QLatin1String("user"))
            conversation.prompt = text;
    }
    return conversation;
}

QString stopReason(const Answer &answer)
{
    if (answer.call)
        return QStringLiteral("tool_use");
    return answer.cutShort ? QStringLiteral("max_tokens") : QStringLiteral("end_turn");
}

QJsonObject messageUsage(const Conversation &conversation, int outputTokens)
{
    return {
        {QStringLiteral("input_tokens"), conversation.inputTokens},
        {QStringLiteral("cache_creation_input_tokens"), 0},
        {QStringLiteral("cache_read_input_tokens"), 0},
        {QStringLiteral("output_tokens"), outputTokens},
        {QStringLiteral("service_tier"), QStringLiteral("standard")},
    };
}

QJsonObject contentBlock(const Answer &answer, std::string_view body, bool done)
{
    if (!answer.call)
        return {{QStringLiteral("type"), QStringLiteral("text")},
                {QStringLiteral("text"), done ? answer.text() : QString()}};
    const QJsonObject input = QJsonDocument::fromJson(answer.call->arguments.toUtf8()).object();
    return {{QStringLiteral("type"), QStringLiteral("tool_use")},
            {QStringLiteral("id"), idFor("toolu_", body)},
            {QStringLiteral("name"), answer.call->name},
            {QStringLiteral("input"), done ? input : QJsonObject()}};
}

QJsonObject messageObject(const Conversation &conversation, const Answer &answer, std::string_view body,
                          bool done)
{
    return {
        {QStringLiteral("id"), idFor("msg_", body)},
        {QStringLiteral("type"), QStringLiteral("message")},
        {QStringLiteral("role"), QStringLiteral("assistant")},
        {QStringLiteral("model"), conversation.model},
        {QStringLiteral("content"), done ? QJsonArray{contentBlock(answer, body, true)} : QJsonArray()},
        {QStringLiteral("stop_reason"), done ? QJsonValue(stopReason(answer)) : QJsonValue()},
        {QStringLiteral("stop_sequence"), QJsonValue()},
        {QStringLiteral("usage"), messageUsage(conversation, done ? answer.tokens : 1)},
    };
}

DemoReply streamed(const Conversation &conversation, const Answer &answer, std::string_view body)
{
    EventStream stream;
    // Every event repeats its name as "type".
    const auto event = [](const QString &type, QJsonObject data) {
        data.insert(QStringLiteral("type"), type);
        return data;
    };
    const auto send = [&](const QString &type, const QJsonObject &data) {
        stream.send(type, event(type, data));
    };
    const auto delta = [&](const QString &kind, const QString &key, const QString &value) {
        send(QStringLiteral("content_block_delta"),
             {{QStringLiteral("index"), 0},
              {QStringLiteral("delta"), QJsonObject{{QStringLiteral("type"), kind}, {key, value}}}});
    };
    send(QStringLiteral("message_start"),
         {{QStringLiteral("message"), messageObject(conversation, answer, body, false)}});
    send(
        QStringLiteral("content_block_start"),
        {{QStringLiteral("index"), 0}, {QStringLiteral("content_block"), contentBlock(answer, body, false)}});
    stream.sendWithPrevious(QStringLiteral("ping"), event(QStringLiteral("ping"), {}));
    if (answer.call)
        delta(QStringLiteral("input_json_delta"), QStringLiteral("partial_json"), answer.call->arguments);
    for (const QString &piece : answer.pieces)
        delta(QStringLiteral("text_delta"), QStringLiteral("text"), piece);
    send(QStringLiteral("content_block_stop"), {{QStringLiteral("index"), 0}});
    send(QStringLiteral("message_delta"),
         {{QStringLiteral("delta"), QJsonObject{{QStringLiteral("stop_reason"), stopReason(answer)},
                                                {QStringLiteral("stop_sequence"), QJsonValue()}}},
          {QStringLiteral("usage"), QJsonObject{{QStringLiteral("output_tokens"), answer.tokens}}}});
    stream.sendWithPrevious(QStringLiteral("message_stop"), event(QStringLiteral("message_stop"), {}));
    return stream.take();
}

DemoReply required(const char *field)
{
    return anthropicError(400, "invalid_request_error",
                          QLatin1String(field) + QStringLiteral(": Field required"));
}

} // namespace

DemoReply message(const QJsonObject &request, std::string_view body)
{
    const Conversation conversation = messageConversation(request);
    if (conversation.model.isEmpty())
        return required("model");
    if (conversation.maxTokens < 1)
        return required("max_tokens");
    if (request.value(QLatin1String("messages")).toArray().isEmpty())
        return required("messages");
    const Answer answer = answerFor(conversation);
    if (conversation.stream)
        return streamed(conversation, answer, body);
    return jsonReply(200, messageObject(conversation, answer, body, true));
}

DemoReply countMessageTokens(const QJsonObject &request)
{
    const Conversation conversation = messageConversation(request);
    if (conversation.model.isEmpty())
        return required("model");
    return jsonReply(200, {{QStringLiteral("input_tokens"), conversation.inputTokens}});
}

} // namespace llmproxy::demo
