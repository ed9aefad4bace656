// SPDX-License-Identifier: GPL-3.0-only
// OpenAI's POST /v1/responses.
#include "demo/demo_text.h"

namespace llmproxy::demo {

namespace {

Conversation responseConversation(const QJsonObject &request)
{
    Conversation conversation;
    conversation.model = request.value(QLatin1String("model")).toString();
    conversation.stream = request.value(QLatin1String("stream")).toBool();
    conversation.maxTokens = request.value(QLatin1String("max_output_tokens")).toInt(-1);
    conversation.inputTokens = tokensIn(request.value(QLatin1String("instructions")).toString());
    const QJsonArray tools = request.value(QLatin1String("tools")).toArray();
    for (const QJsonValue &entry : tools) {
        const QJsonObject tool = entry.toObject();
        if (tool.value(QLatin1String("type")) == QLatin1String("function"))
            conversation.tools.append({tool.value(QLatin1String("name")).toString(),
                                       tool.value(QLatin1String("parameters")).toObject()});
    }
    const QJsonValue choice = request.value(QLatin1String("tool_choice"));
    conversation.toolChoice =
        choice.isObject() ? choice.toObject().value(QLatin1String("name")).toString() : choice.toString();
    const QJsonValue input = request.value(QLatin1String("input"));
    if (input.isString()) {
        conversation.prompt = input.toString();
        conversation.inputTokens += tokensIn(conversation.prompt);
    }
    const QJsonArray items = input.toArray();
    for (const QJsonValue &entry : items) {
        const QJsonObject item = entry.toObject();
        const bool toolOutput = item.value(QLatin1String("type")) == QLatin1String("function_call_output");
        const QString text =
            textOf(item.value(toolOutput ? QLatin1String("output") : QLatin1String("content")));
        conversation.inputTokens += tokensIn(text);
        conversation.answersTool = toolOutput;
        if (item.value(QLatin1String("role")) == QLatin1String("user"))
            conversation.prompt = text;
    }
    return conversation;
}

QJsonObject responseUsage(const Conversation &conversation, const Answer &answer)
{
    return {
        {QStringLiteral("input_tokens"), conversation.inputTokens},
        {QStringLiteral("input_tokens_details"), QJsonObject{{QStringLiteral("cached_tokens"), 0}}},
        {QStringLiteral("output_tokens"), answer.tokens},
        {QStringLiteral("output_tokens_details"), QJsonObject{{QStringLiteral("reasoning_tokens"), 0}}},
        {QStringLiteral("total_tokens"), conversation.inputTokens + answer.tokens},
    };
}

QJsonObject textPart(const QString &text)
{
    return {{QStringLiteral("type"), QStringLiteral("output_text")},
            {QStringLiteral("text"), text},
            {QStringLiteral("annotations"), QJsonArray()},
            {QStringLiteral("logprobs"), QJsonArray()}};
}

// The one output item; done: with its content.
QJsonObject outputItem(const Answer &answer, std::string_view body, bool done)
{
    QString status = done ? QStringLiteral("completed") : QStringLiteral("in_progress");
    if (done && answer.cutShort)
        status = QStringLiteral("incomplete");
    if (answer.call)
        return {{QStringLiteral("id"), idFor("fc_", body)},
                {QStringLiteral("type"), QStringLiteral("function_call")},
                {QStringLiteral("status"), status},
                {QStringLiteral("call_id"), idFor("call_", body)},
                {QStringLiteral("name"), answer.call->name},
                {QStringLiteral("arguments"), done ? answer.call->arguments : QString()}};
    return {{QStringLiteral("id"), idFor("msg_", body)},
            {QStringLiteral("type"), QStringLiteral("message")},
            {QStringLiteral("status"), status},
            {QStringLiteral("role"), QStringLiteral("assistant")},
            {QStringLiteral("content"), done ? QJsonArray{textPart(answer.text())} : QJsonArray()}};
}

QJsonObject responseObject(const QJsonObject &request, const Conversation &conversation, const Answer &answer,
                           std::string_view body, bool done)
{
    QString status = done ? QStringLiteral("completed") : QStringLiteral("in_progress");
    QJsonValue incomplete;
    if (done && answer.cutShort) {
        status = QStringLiteral("incomplete");
        incomplete = QJsonObject{{QStringLiteral("reason"), QStringLiteral("max_output_tokens")}};
    }
    return {
        {QStringLiteral("id"), idFor("resp_", body)},
        {QStringLiteral("object"), QStringLiteral("response")},
        {QStringLiteral("created_at"), nowSeconds()},
        {QStringLiteral("status"), status},
        {QStringLiteral("error"), QJsonValue()},
        {QStringLiteral("incomplete_details"), incomplete},
        {QStringLiteral("instructions"), request.value(QLatin1String("instructions"))},
        {QStringLiteral("max_output_tokens"), request.value(QLatin1String("max_output_tokens"))},
        {QStringLiteral("metadata"), request.value(QLatin1String("metadata")).toObject()},
        {QStringLiteral("model"), conversation.model},
        {QStringLiteral("output"), done ? QJsonArray{outputItem(answer, body, true)} : QJsonArray()},
        {QStringLiteral("parallel_tool_calls"), true},
        {QStringLiteral("previous_response_id"), request.value(QLatin1String("previous_response_id"))},
        {QStringLiteral("store"), false},
        {QStringLiteral("temperature"), 1},
        {QStringLiteral("tool_choice"), request.value(QLatin1String("tool_choice")).isUndefined()
                                            ? QJsonValue(QStringLiteral("auto"))
                                            : request.value(QLatin1String("tool_choice"))},
        {QStringLiteral("tools"), request.value(QLatin1String("tools")).toArray()},
        {QStringLiteral("top_p"), 1},
        {QStringLiteral("truncation"), QStringLiteral("disabled")},
        {QStringLiteral("usage"), done ? QJsonValue(responseUsage(conversation, answer)) : QJsonValue()},
    };
}

// Events carry their own name as "type" and a running number.
class ResponseEvents
{
public:
    void send(const QString &type, QJsonObject data)
    {
        data.insert(QStringLiteral("type"), type);
        data.insert(QStringLiteral("sequence_number"), m_next++);
        m_stream.send(type, data);
    }
    DemoReply take() { return m_stream.take(); }

private:
    EventStream m_stream;
    int m_next = 0;
};

void sendToolCall(ResponseEvents &events, const Answer &answer, std::string_view body)
{
    const QJsonObject place{{QStringLiteral("item_id"), idFor("fc_", body)},
                            {QStringLiteral("output_index"), 0}};
    QJsonObject delta = place;
    delta.insert(QStringLiteral("delta"), answer.call->arguments);
    events.send(QStringLiteral("response.function_call_arguments.delta"), delta);
    QJsonObject done = place;
    done.insert(QStringLiteral("name"), answer.call->name);
    done.insert(QStringLiteral("arguments"), answer.call->arguments);
    events.send(QStringLiteral("response.function_call_arguments.done"), done);
}

void sendText(ResponseEvents &events, const Answer &answer, std::string_view body)
{
    const QJsonObject place{{QStringLiteral("item_id"), idFor("msg_", body)},
                            {QStringLiteral("output_index"), 0},
                            {QStringLiteral("content_index"), 0}};
    const auto with = [&place](const QString &key, const QJsonValue &value) {
        QJsonObject data = place;
        data.insert(key, value);
        return data;
    };
    events.send(QStringLiteral("response.content_part.added"), with(QStringLiteral("part"), textPart({})));
    for (const QString &piece : answer.pieces) {
        QJsonObject delta = with(QStringLiteral("delta"), piece);
        delta.insert(QStringLiteral("logprobs"), QJsonArray());
        events.send(QStringLiteral("response.output_text.delta"), delta);
    }
    QJsonObject done = with(QStringLiteral("text"), answer.text());
    done.insert(QStringLiteral("logprobs"), QJsonArray());
    events.send(QStringLiteral("response.output_text.done"), done);
    events.send(QStringLiteral("response.content_part.done"),
                with(QStringLiteral("part"), textPart(answer.text())));
}

} // namespace

DemoReply response(const QJsonObject &request, std::string_view body)
{
    const Conversation conversation = responseConversation(request);
    if (conversation.model.isEmpty())
        return openAiError(400, "missing_required_parameter",
                           QStringLiteral("Missing required parameter: 'model'."), "model");
    const QJsonValue input = request.value(QLatin1String("input"));
    if (!input.isString() && !input.isArray())
        return openAiError(400, "missing_required_parameter",
                           QStringLiteral("Missing required parameter: 'input'."), "input");
    const Answer answer = answerFor(conversation);
    const QJsonObject finished = responseObject(request, conversation, answer, body, true);
    if (!conversation.stream)
        return jsonReply(200, finished);

    ResponseEvents events;
    const QJsonObject started = responseObject(request, conversation, answer, body, false);
    events.send(QStringLiteral("response.created"), {{QStringLiteral("response"), started}});
    events.send(QStringLiteral("response.in_progress"), {{QStringLiteral("response"), started}});
    events.send(
        QStringLiteral("response.output_item.added"),
        {{QStringLiteral("output_index"), 0}, {QStringLiteral("item"), outputItem(answer, body, false)}});
    if (answer.call)
        sendToolCall(events, answer, body);
    else
        sendText(events, answer, body);
    events.send(
        QStringLiteral("response.output_item.done"),
        {{QStringLiteral("output_index"), 0}, {QStringLiteral("item"), outputItem(answer, body, true)}});
    events.send(answer.cutShort ? QStringLiteral("response.incomplete")
                                : QStringLiteral("response.completed"),
                {{QStringLiteral("response"), finished}});
    return events.take();
}

} // namespace llmproxy::demo
