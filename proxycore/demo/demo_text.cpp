// SPDX-License-Identifier: GPL-3.0-only
#include "demo/demo_text.h"

#include "base/clock.h"

#include <QCryptographicHash>
#include <QJsonDocument>
#include <QRegularExpression>

namespace llmproxy::demo {

namespace {

constexpr int kChunkDelayMs = 30;
constexpr int kLongestCount = 2000;
constexpr int kEchoedCharacters = 120;

QString echoOf(const QString &prompt)
{
    QString echo = prompt.simplified();
    if (echo.size() <= kEchoedCharacters)
        return echo;
    echo.truncate(kEchoedCharacters);
    if (echo.back().isHighSurrogate())
        echo.chop(1);
    return echo + QChar(0x2026);
}

QString cannedText(const Conversation &conversation)
{
    static const QRegularExpression count(QStringLiteral("\\bcount to (\\d{1,9})"),
                                          QRegularExpression::CaseInsensitiveOption);
    const auto match = count.match(conversation.prompt);
    if (match.hasMatch()) {
        const int last = qMin(match.captured(1).toInt(), kLongestCount);
        QStringList numbers;
        for (int i = 1; i <= last; ++i)
            numbers += QString::number(i);
        return numbers.isEmpty() ? QStringLiteral("Done.") : numbers.join(QLatin1Char(' '));
    }
    const QString echo = echoOf(conversation.prompt);
    if (conversation.answersTool)
        return QStringLiteral(
            "The tool has answered, and the demo provider has read it. Nothing was charged.");
    return QStringLiteral("Hello from the demo provider of LLM Proxy. You said: \"") + echo
           + QStringLiteral(
               "\". This answer is canned, came through the proxy piece by piece, and cost nothing.");
}

QJsonValue sampleFor(const QJsonObject &schema)
{
    const QJsonArray choices = schema.value(QLatin1String("enum")).toArray();
    if (!choices.isEmpty())
        return choices.first();
    const QString type = schema.value(QLatin1String("type")).toString();
    if (type == QLatin1String("integer") || type == QLatin1String("number"))
        return 1;
    if (type == QLatin1String("boolean"))
        return true;
    if (type == QLatin1String("array"))
        return QJsonArray();
    if (type == QLatin1String("object"))
        return QJsonObject();
    if (type == QLatin1String("null"))
        return QJsonValue();
    return QStringLiteral("demo");
}

ToolCall callOf(const Tool &tool)
{
    QJsonObject arguments;
    const QJsonObject properties = tool.schema.value(QLatin1String("properties")).toObject();
    for (auto it = properties.begin(); it != properties.end(); ++it)
        arguments.insert(it.key(), sampleFor(it.value().toObject()));
    return {tool.name, QString::fromStdString(compact(arguments))};
}

// A tool is called when the request insists on one, or the prompt names it or asks for a tool.
std::optional<ToolCall> toolCallFor(const Conversation &conversation)
{
    if (conversation.tools.isEmpty() || conversation.toolChoice == QLatin1String("none"))
        return std::nullopt;
    for (const Tool &tool : conversation.tools) {
        if (conversation.toolChoice == tool.name)
            return callOf(tool);
    }
    if (conversation.toolChoice == QLatin1String("required"))
        return callOf(conversation.tools.first());
    if (conversation.answersTool)
        return std::nullopt;
    for (const Tool &tool : conversation.tools) {
        if (!tool.name.isEmpty() && conversation.prompt.contains(tool.name, Qt::CaseInsensitive))
            return callOf(tool);
    }
    static const QRegularExpression asks(QStringLiteral("\\b(tool|function)s?\\b"),
                                         QRegularExpression::CaseInsensitiveOption);
    if (conversation.prompt.contains(asks))
        return callOf(conversation.tools.first());
    return std::nullopt;
}

} // namespace

Answer answerFor(const Conversation &conversation)
{
    Answer answer;
    answer.call = toolCallFor(conversation);
    if (answer.call) {
        answer.tokens = 1 + tokensIn(answer.call->arguments);
        return answer;
    }
    answer.pieces = piecesOf(cannedText(conversation));
    if (conversation.maxTokens >= 0 && answer.pieces.size() > conversation.maxTokens) {
        answer.pieces = answer.pieces.mid(0, conversation.maxTokens);
        answer.cutShort = true;
    }
    answer.tokens = static_cast<int>(answer.pieces.size());
    return answer;
}

QStringList piecesOf(const QString &text)
{
    QStringList pieces;
    qsizetype start = 0;
    bool inWord = false;
    for (qsizetype i = 0; i < text.size(); ++i) {
        const bool space = text.at(i).isSpace();
        if (space && inWord) {
            pieces += text.mid(start, i - start);
            start = i;
        }
        inWord = !space;
    }
    if (inWord)
        pieces += text.mid(start);
    else if (start < text.size() && !pieces.isEmpty())
        pieces.last() += text.mid(start);
    return pieces;
}

int tokensIn(const QString &text)
{
    int words = 0;
    bool inWord = false;
    for (const QChar c : text) {
        const bool space = c.isSpace();
        words += !space && !inWord;
        inWord = !space;
    }
    return words;
}

QString textOf(const QJsonValue &content)
{
    if (content.isString())
        return content.toString();
    QStringList texts;
    const QJsonArray parts = content.toArray();
    for (const QJsonValue &part : parts) {
        const QString text =
            part.isString() ? part.toString() : part.toObject().value(QLatin1String("text")).toString();
        if (!text.isEmpty())
            texts += text;
    }
    return texts.join(QLatin1Char('\n'));
}

QString idFor(const char *prefix, std::string_view body)
{
    QCryptographicHash hash(QCryptographicHash::Sha256);
    hash.addData(QByteArray(prefix));
    hash.addData(QByteArray(body.data(), static_cast<qsizetype>(body.size())));
    return QLatin1String(prefix) + QString::fromLatin1(hash.result().toHex().left(24));
}

qint64 nowSeconds()
{
    return Clock::wallMs() / 1000;
}

std::string compact(const QJsonObject &object)
{
    return QJsonDocument(object).toJson(QJsonDocument::Compact).toStdString();
}

DemoReply jsonReply(int status, const QJsonObject &body)
{
    return {status, "application/json", false, {{0, compact(body)}}};
}

DemoReply openAiError(int status, const char *code, const QString &message, const char *param)
{
    const QJsonObject error{
        {QStringLiteral("message"), message},
        {QStringLiteral("type"), QStringLiteral("invalid_request_error")},
        {QStringLiteral("param"), param ? QJsonValue(QLatin1String(param)) : QJsonValue()},
        {QStringLiteral("code"), code ? QJsonValue(QLatin1String(code)) : QJsonValue()},
    };
    return jsonReply(status, {{QStringLiteral("error"), error}});
}

DemoReply anthropicError(int status, const char *type, const QString &message)
{
    const QJsonObject error{{QStringLiteral("type"), QLatin1String(type)},
                            {QStringLiteral("message"), message}};
    return jsonReply(status,
                     {{QStringLiteral("type"), QStringLiteral("error")}, {QStringLiteral("error"), error}});
}

static std::string eventText(const QString &name, const QJsonObject &data)
{
    std::string text;
    if (!name.isEmpty())
        text = "event: " + name.toStdString() + "\n";
    return text + "data: " + compact(data) + "\n\n";
}

void EventStream::send(const QString &name, const QJsonObject &data)
{
    sendText(eventText(name, data));
}

void EventStream::sendWithPrevious(const QString &name, const QJsonObject &data)
{
    if (m_reply.chunks.empty())
        sendText({});
    m_reply.chunks.back().bytes += eventText(name, data);
}

void EventStream::sendText(std::string bytes)
{
    m_reply.chunks.push_back({kChunkDelayMs, std::move(bytes)});
}

DemoReply EventStream::take()
{
    return std::move(m_reply);
}

} // namespace llmproxy::demo
