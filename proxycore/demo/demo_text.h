// SPDX-License-Identifier: GPL-3.0-only
// What the three dialects of the demo provider share: the conversation as read from a request, the canned
// answer, token counts (a word is a token) and the building of replies. Thread: any, plain values.
#pragma once

#include "demo/demo_provider.h"

#include <QJsonArray>
#include <QJsonObject>
#include <QString>
#include <QStringList>

#include <optional>

namespace llmproxy::demo {

struct Tool
{
    QString name;
    QJsonObject schema; // JSON Schema of its arguments
};

struct Conversation
{
    QString model;
    QString prompt;           // the last text of the user
    bool answersTool = false; // the last message is a tool's result: it is answered with text
    int inputTokens = 0;
    int maxTokens = -1; // < 0: no limit
    bool stream = false;
    QList<Tool> tools;
    QString toolChoice; // auto, none, required, or a tool's name
};

struct ToolCall
{
    QString name;
    QString arguments; // JSON text
};

struct Answer
{
    std::optional<ToolCall> call; // set: no text
    QStringList pieces;           // joined they are the text
    bool cutShort = false;        // maxTokens ended it
    int tokens = 0;

    QString text() const { return pieces.join(QString()); }
};

Answer answerFor(const Conversation &conversation);

// Words with the white space before them.
QStringList piecesOf(const QString &text);
int tokensIn(const QString &text);
// A string, or the "text" of the parts of an array.
QString textOf(const QJsonValue &content);

// The same request gives the same id.
QString idFor(const char *prefix, std::string_view body);
qint64 nowSeconds();
// JSON text of an object, one line.
std::string compact(const QJsonObject &object);

DemoReply jsonReply(int status, const QJsonObject &body);
DemoReply openAiError(int status, const char *code, const QString &message, const char *param = nullptr);
DemoReply anthropicError(int status, const char *type, const QString &message);

// Collects a server-sent event stream; each event comes 30 ms after the one before it, or with it.
class EventStream
{
public:
    // name: the "event:" line; empty: none.
    void send(const QString &name, const QJsonObject &data);
    void sendWithPrevious(const QString &name, const QJsonObject &data);
    void sendText(std::string bytes);
    DemoReply take();

private:
    DemoReply m_reply{200, "text/event-stream; charset=utf-8", true, {}};
};

DemoReply chatCompletion(const QJsonObject &request, std::string_view body);
DemoReply response(const QJsonObject &request, std::string_view body);
DemoReply message(const QJsonObject &request, std::string_view body);
DemoReply countMessageTokens(const QJsonObject &request);
DemoReply embeddings(const QJsonObject &request);

} // namespace llmproxy::demo
