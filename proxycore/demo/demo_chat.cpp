// SPDX-License-Identifier: GPL-3.0-only
// OpenAI's POST /v1/chat/completions.
#include "demo/demo_text.h"

namespace llmproxy::demo {

namespace {

QList<Tool> toolsOf(const QJsonObject &request)
{
    QList<Tool> tools;
    const QJsonArray listed = request.value(QLatin1String("tools")).toArray();
    for (const QJsonValue &entry : listed) {
        const QJsonObject function = entry.toObject().value(QLatin1String("function")).toObject();
        if (!function.isEmpty())
            tools.append({function.value(QLatin1String("name")).toString(),
                          function.value(QLatin1String("parameters")).toObject()});
    }
    return tools;
}

int limitOf(const QJsonObject &request)
{
    const int old = request.value(QLatin1String("max_tokens")).toInt(-1);
    return request.value(QLatin1String("max_completion_tokens")).toInt(old);
}

Conversation chatConversation(const QJsonObject &request)
{
    Conversation conversation;
    conversation.model = request.value(QLatin1String("model")).toString();
    conversation.stream = request.value(QLatin1String("stream")).toBool();
    conversation.maxTokens = limitOf(request);
    conversation.tools = toolsOf(request);
    const QJsonValue choice = request.value(QLatin1String("tool_choice"));
    conversation.toolChoice = choice.isObject() ? choice.toObject()
                                                      .value(QLatin1String("function"))
                                                      .toObject()
                                                      .value(QLatin1String("name"))
                                                      .toString()
                                                : choice.toString();
    const QJsonArray messages = request.value(QLatin1String("messages")).toArray();
    for (const QJsonValue &entry : messages) {
        const QJsonObject message = entry.toObject();
        const QString role = message.value(QLatin1String("role")).toString();
        const QString text = textOf(message.value(QLatin1String("content")));
        conversation.inputTokens += tokensIn(text);
        conversation.answersTool = role == QLatin1String("tool");
        if (role == QLatin1String("user"))
            conversation.prompt = text;
    }
    return conversation;
}

QJsonObject chatUsage(const Conversation &conversation, const Answer &answer)
{
    return {
        {QStringLiteral("prompt_tokens"), conversation.inputTokens},
        {QStringLiteral("completion_tokens"), answer.tokens},
        {QStringLiteral("total_tokens"), conversation.inputTokens + answer.tokens},
        {QStringLiteral("prompt_tokens_details"), QJsonObject{{QStringLiteral("cached_tokens"), 0}}},
        {QStringLiteral("completion_tokens_details"), QJsonObject{{QStringLiteral("reasoning_tokens"), 0}}},
    };
}

QString finishReason(const Answer &answer)
{
    if (answer.call)
        return QStringLiteral("tool_calls");
    return answer.cutShort ? QStringLiteral("length") : QStringLiteral("stop");
}

QJsonObject toolCallObject(const ToolCall &call, std::string_view body)
{
    return {
        {QStringLiteral("id"), idFor("call_", body)},
        {QStringLiteral("type"), QStringLiteral("function")},
        {QStringLiteral("function"),
         QJsonObject{{QStringLiteral("name"), call.name}, {QStringLiteral("arguments"), call.arguments}}},
    };
}

QJsonObject envelope(const Conversation &conversation, const char *object, std::string_view body)
{
    return {
        {QStringLiteral("id"), idFor("chatcmpl-", body)},
        {QStringLiteral("object"), QLatin1String(object)},
        {QStringLiteral("created"), nowSeconds()},
        {QStringLiteral("model"), conversation.model},
        {QStringLiteral("system_fingerprint"), QStringLiteral("fp_demo")},
    };
}

DemoReply whole(const Conversation &conversation, const Answer &answer, std::string_view body)
{
    QJsonObject message{
        {QStringLiteral("role"), QStringLiteral("assistant")},
        {QStringLiteral("content"), answer.call ? QJsonValue() : QJsonValue(answer.text())},
        {QStringLiteral("refusal"), QJsonValue()},
    };
    if (answer.call)
        message.insert(QStringLiteral("tool_calls"), QJsonArray{toolCallObject(*answer.call, body)});
    const QJsonObject choice{
        {QStringLiteral("index"), 0},
        {QStringLiteral("message"), message},
        {QStringLiteral("logprobs"), QJsonValue()},
        {QStringLiteral("finish_reason"), finishReason(answer)},
    };
    QJsonObject completion = envelope(conversation, "chat.completion", body);
    completion.insert(QStringLiteral("choices"), QJsonArray{choice});
    completion.insert(QStringLiteral("usage"), chatUsage(conversation, answer));
    return jsonReply(200, completion);
}

DemoReply streamed(const Conversation &conversation, const Answer &answer, bool includeUsage,
                   std::string_view body)
{
    EventStream stream;
    QJsonObject chunk = envelope(conversation, "chat.completion.chunk", body);
    if (includeUsage)
        chunk.insert(QStringLiteral("usage"), QJsonValue());
    const auto send = [&](const QJsonObject &delta, const QJsonValue &finish) {
        const QJsonObject choice{
            {QStringLiteral("index"), 0},
            {QStringLiteral("delta"), delta},
            {QStringLiteral("logprobs"), QJsonValue()},
            {QStringLiteral("finish_reason"), finish},
        };
        chunk.insert(QStringLiteral("choices"), QJsonArray{choice});
        stream.send({}, chunk);
    };
    QJsonObject first{{QStringLiteral("role"), QStringLiteral("assistant")}};
    if (answer.call) {
        QJsonObject call = toolCallObject(*answer.call, body);
        call.insert(QStringLiteral("index"), 0);
        call.insert(QStringLiteral("function"), QJsonObject{{QStringLiteral("name"), answer.call->name},
                                                            {QStringLiteral("arguments"), QString()}});
        first.insert(QStringLiteral("content"), QJsonValue());
        first.insert(QStringLiteral("tool_calls"), QJsonArray{call});
        send(first, {});
        const QJsonObject more{
            {QStringLiteral("index"), 0},
            {QStringLiteral("function"), QJsonObject{{QStringLiteral("arguments"), answer.call->arguments}}}};
        send({{QStringLiteral("tool_calls"), QJsonArray{more}}}, {});
    } else {
        first.insert(QStringLiteral("content"), QString());
        send(first, {});
        for (const QString &piece : answer.pieces)
            send({{QStringLiteral("content"), piece}}, {});
    }
    send({}, finishReason(answer));
    if (includeUsage) {
        chunk.insert(QStringLiteral("choices"), QJsonArray());
        chunk.insert(QStringLiteral("usage"), chatUsage(conversation, answer));
        stream.send({}, chunk);
    }
    stream.sendText("data: [DONE]\n\n");
    return stream.take();
}

} // namespace

DemoReply chatCompletion(const QJsonObject &request, std::string_view body)
{
    const Conversation conversation = chatConversation(request);
    if (conversation.model.isEmpty())
        return openAiError(400, nullptr, QStringLiteral("you must provide a model parameter"), "model");
    if (request.value(QLatin1String("messages")).toArray().isEmpty())
        return openAiError(400, "missing_required_parameter",
                           QStringLiteral("Missing required parameter: 'messages'."), "messages");
    const Answer answer = answerFor(conversation);
    if (!conversation.stream)
        return whole(conversation, answer, body);
    const bool includeUsage = request.value(QLatin1String("stream_options"))
                                  .toObject()
                                  .value(QLatin1String("include_usage"))
                                  .toBool();
    return streamed(conversation, answer, includeUsage, body);
}

} // namespace llmproxy::demo
