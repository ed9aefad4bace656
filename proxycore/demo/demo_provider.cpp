// SPDX-License-Identifier: GPL-3.0-only
#include "demo/demo_provider.h"

#include "demo/demo_text.h"

#include <QJsonDocument>

#include <algorithm>
#include <array>

namespace llmproxy {

namespace {

using namespace demo;

struct Model
{
    const char *id;
    const char *owner;
    const char *name;
};
constexpr std::array<Model, 4> kModels{{
    {"demo-chat", "llm-proxy-demo", "Demo Chat"},
    {"gpt-4o-mini", "llm-proxy-demo", "Demo under the name gpt-4o-mini"},
    {"claude-3-5-haiku-latest", "llm-proxy-demo", "Demo under the name claude-3-5-haiku-latest"},
    {"text-embedding-3-small", "llm-proxy-demo", "Demo Embeddings"},
}};

// The fields of both dialects in one object: OpenAI and Anthropic share the path /v1/models.
QJsonObject modelObject(const Model &model)
{
    constexpr qint64 created = 1'700'000'000; // 2023-11-14T22:13:20Z
    return {
        {QStringLiteral("id"), QLatin1String(model.id)},
        {QStringLiteral("object"), QStringLiteral("model")},
        {QStringLiteral("type"), QStringLiteral("model")},
        {QStringLiteral("created"), created},
        {QStringLiteral("created_at"), QStringLiteral("2023-11-14T22:13:20Z")},
        {QStringLiteral("owned_by"), QLatin1String(model.owner)},
        {QStringLiteral("display_name"), QLatin1String(model.name)},
    };
}

DemoReply listModels()
{
    QJsonArray data;
    for (const Model &model : kModels)
        data.append(modelObject(model));
    return jsonReply(200, {
                              {QStringLiteral("object"), QStringLiteral("list")},
                              {QStringLiteral("data"), data},
                              {QStringLiteral("has_more"), false},
                              {QStringLiteral("first_id"), QLatin1String(kModels.front().id)},
                              {QStringLiteral("last_id"), QLatin1String(kModels.back().id)},
                          });
}

DemoReply showModel(std::string_view id)
{
    for (const Model &model : kModels) {
        if (id == model.id)
            return jsonReply(200, modelObject(model));
    }
    return openAiError(404, "model_not_found", QStringLiteral("The demo provider has no model of that name."),
                       "model");
}

DemoReply post(std::string_view path, std::string_view body)
{
    const bool anthropic = path.starts_with("/v1/messages");
    const auto document =
        QJsonDocument::fromJson(QByteArray::fromRawData(body.data(), static_cast<qsizetype>(body.size())));
    if (!document.isObject()) {
        const QString message = QStringLiteral("We could not parse the JSON body of your request.");
        return anthropic ? anthropicError(400, "invalid_request_error", message)
                         : openAiError(400, nullptr, message);
    }
    const QJsonObject request = document.object();
    if (path == "/v1/chat/completions")
        return chatCompletion(request, body);
    if (path == "/v1/responses")
        return response(request, body);
    if (path == "/v1/embeddings")
        return embeddings(request);
    if (path == "/v1/messages")
        return message(request, body);
    return countMessageTokens(request);
}

} // namespace

DemoReply demoReply(std::string_view method, std::string_view path, std::string_view body)
{
    path = path.substr(0, path.find('?'));
    constexpr std::string_view modelPrefix = "/v1/models/";
    constexpr std::array<std::string_view, 5> posts{"/v1/chat/completions", "/v1/responses", "/v1/embeddings",
                                                    "/v1/messages", "/v1/messages/count_tokens"};
    const bool isPost = std::find(posts.begin(), posts.end(), path) != posts.end();
    const bool isModel =
        path == "/v1/models" || (path.starts_with(modelPrefix) && path.size() > modelPrefix.size());
    if (!isPost && !isModel)
        return openAiError(404, "unknown_url", QStringLiteral("The demo provider does not serve this path."));
    if (method != (isPost ? "POST" : "GET") && !(isModel && method == "HEAD"))
        return openAiError(405, "method_not_allowed", QStringLiteral("This path does not take that method."));
    if (isPost)
        return post(path, body);
    return path == "/v1/models" ? listModels() : showModel(path.substr(modelPrefix.size()));
}

} // namespace llmproxy
