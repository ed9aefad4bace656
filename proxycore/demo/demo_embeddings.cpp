// SPDX-License-Identifier: GPL-3.0-only
// OpenAI's POST /v1/embeddings: unit vectors made from a hash of the text, so that equal texts are equal.
#include "demo/demo_text.h"

#include <QCryptographicHash>
#include <QtEndian>

#include <cmath>

namespace llmproxy::demo {

namespace {

constexpr int kDefaultDimensions = 1536;
constexpr int kFewestDimensions = 16;
constexpr int kMostInputs = 2048;

std::vector<float> vectorOf(const QByteArray &text, int dimensions)
{
    std::vector<float> values;
    values.reserve(static_cast<size_t>(dimensions));
    double squares = 0;
    for (quint32 block = 0; static_cast<int>(values.size()) < dimensions; ++block) {
        QCryptographicHash hash(QCryptographicHash::Sha256);
        hash.addData(QByteArray::number(block));
        hash.addData(text);
        const QByteArray digest = hash.result();
        for (qsizetype at = 0; at < digest.size() && static_cast<int>(values.size()) < dimensions; at += 2) {
            const auto raw = qFromLittleEndian<qint16>(digest.constData() + at);
            values.push_back(static_cast<float>(raw) / 32768.0F);
            squares += static_cast<double>(values.back()) * static_cast<double>(values.back());
        }
    }
    const auto length = static_cast<float>(std::sqrt(squares));
    for (float &value : values)
        value = length > 0 ? value / length : 0.0F;
    return values;
}

QJsonValue encoded(const std::vector<float> &values, bool base64)
{
    if (base64) {
        QByteArray bytes(static_cast<qsizetype>(values.size() * sizeof(float)), Qt::Uninitialized);
        qToLittleEndian<float>(values.data(), static_cast<qsizetype>(values.size()), bytes.data());
        return QString::fromLatin1(bytes.toBase64());
    }
    QJsonArray array;
    for (const float value : values)
        array.append(static_cast<double>(value));
    return array;
}

struct Input
{
    QByteArray text;
    int tokens = 0;
};

Input inputOf(const QJsonValue &value)
{
    if (value.isString())
        return {value.toString().toUtf8(), tokensIn(value.toString())};
    const QJsonArray tokens = value.toArray(); // token numbers
    QByteArray text;
    for (const QJsonValue &token : tokens)
        text += QByteArray::number(token.toInt()) + ' ';
    return {text, static_cast<int>(tokens.size())};
}

// One string, one list of token numbers, or a list of either.
QList<Input> inputsOf(const QJsonValue &value)
{
    const QJsonArray array = value.toArray();
    if (value.isString() || (!array.isEmpty() && array.first().isDouble()))
        return {inputOf(value)};
    QList<Input> inputs;
    for (const QJsonValue &entry : array)
        inputs.append(inputOf(entry));
    return inputs;
}

} // namespace

DemoReply embeddings(const QJsonObject &request)
{
    const QString model = request.value(QLatin1String("model")).toString();
    if (model.isEmpty())
        return openAiError(400, nullptr, QStringLiteral("you must provide a model parameter"), "model");
    const QList<Input> inputs = inputsOf(request.value(QLatin1String("input")));
    if (inputs.isEmpty() || inputs.size() > kMostInputs)
        return openAiError(400, "invalid_value",
                           QStringLiteral("'input' must be a text or 1 to 2048 of them."), "input");
    const int dimensions = request.value(QLatin1String("dimensions")).toInt(kDefaultDimensions);
    if (dimensions < kFewestDimensions || dimensions > kDefaultDimensions)
        return openAiError(400, "invalid_value", QStringLiteral("'dimensions' must be 16 to 1536."),
                           "dimensions");
    const bool base64 = request.value(QLatin1String("encoding_format")) == QLatin1String("base64");

    QJsonArray data;
    int tokens = 0;
    for (const Input &input : inputs) {
        data.append(QJsonObject{
            {QStringLiteral("object"), QStringLiteral("embedding")},
            {QStringLiteral("index"), static_cast<int>(data.size())},
            {QStringLiteral("embedding"), encoded(vectorOf(input.text, dimensions), base64)},
        });
        tokens += input.tokens;
    }
    return jsonReply(200,
                     {
                         {QStringLiteral("object"), QStringLiteral("list")},
                         {QStringLiteral("data"), data},
                         {QStringLiteral("model"), model},
                         {QStringLiteral("usage"), QJsonObject{{QStringLiteral("prompt_tokens"), tokens},
                                                               {QStringLiteral("total_tokens"), tokens}}},
                     });
}

} // namespace llmproxy::demo
