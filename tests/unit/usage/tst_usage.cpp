// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "usage/content_decoder.h"
#include "usage/text_meter.h"
#include "usage/usage.h"
#include "usage/usage_shapes.h"

#include <QDir>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <optional>

using namespace llmproxy;

namespace {

// tests/golden/usage: a line of JSON that says what is expected, then the answer as a provider sends it.
struct Golden
{
    QJsonObject head;
    std::string type, body;
    bool reasoningApart() const { return head[QStringLiteral("reasoning_apart")].toBool(); }
};

Golden readGolden(const QString &path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        return {};
    const QByteArray line = file.readLine();
    const QJsonObject head = QJsonDocument::fromJson(line).object();
    return {head, head[QStringLiteral("type")].toString().toStdString(), file.readAll().toStdString()};
}

QString goldenFolder()
{
    return qEnvironmentVariable("LLM_PROXY_SOURCE_DIR") + QStringLiteral("/tests/golden/usage");
}

Usage expectedUsage(const QJsonObject &from)
{
    const auto number = [&from](std::string_view name) {
        const QJsonValue value = from[QLatin1String(name.data(), static_cast<qsizetype>(name.size()))];
        return value.isDouble() ? static_cast<int64_t>(value.toInteger()) : int64_t{-1};
    };
    Usage usage;
    usage.promptTokens = number("prompt_tokens");
    usage.completionTokens = number("completion_tokens");
    for (size_t part = 0; part < usage.parts.size(); ++part)
        usage.parts[part] = number(usagePartNames[part]);
    usage.serviceTier = from[QStringLiteral("service_tier")].toString().toStdString();
    usage.model = from[QStringLiteral("model")].toString().toStdString();
    usage.estimated = from[QStringLiteral("estimated")].toBool();
    return usage;
}

QByteArray shown(const Usage &usage)
{
    std::string text = "prompt " + std::to_string(usage.promptTokens) + " completion " + std::to_string(usage.completionTokens);
    for (size_t part = 0; part < usage.parts.size(); ++part) {
        if (usage.parts[part] >= 0)
            text.append(" ").append(usagePartNames[part]).append(" ").append(std::to_string(usage.parts[part]));
    }
    text.append(" tier ").append(usage.serviceTier).append(" model ").append(usage.model).append(usage.estimated ? " estimated" : "");
    return QByteArray::fromStdString(text);
}

void feedInParts(UsageReader &reader, std::string_view text, size_t size)
{
    for (; !text.empty(); text.remove_prefix(std::min(size, text.size())))
        reader.feed(text.substr(0, size));
}

std::string compressed(const std::string &plain, int windowBits)
{
    std::string out(compressBound(plain.size()) + 64, '\0');
    z_stream stream{};
    deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef *>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zstdCompressed(const std::string &plain)
{
    std::string out(ZSTD_compressBound(plain.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
    return out;
}

std::string brotliCompressed(const std::string &plain)
{
    size_t size = BrotliEncoderMaxCompressedSize(plain.size());
    std::string out(size, '\0');
    BrotliEncoderCompress(BROTLI_DEFAULT_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, plain.size(), reinterpret_cast<const uint8_t *>(plain.data()), &size,
                          reinterpret_cast<uint8_t *>(out.data()));
    out.resize(size);
    return out;
}

// All of it, or nullopt.
std::optional<std::string> decoded(ContentDecoder &decoder, std::string_view coded)
{
    std::string plain;
    const bool isGood = decoder.feed(coded, [&plain](std::string_view part) { plain += part; });
    return isGood && decoder.isComplete() ? std::optional(plain) : std::nullopt;
}

} // namespace

class TstUsage : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void golden_data();
    void golden();
    void aCutStream_data();
    void aCutStream();
    void noPrefixCountsMoreThanItSays_data() { golden_data(); }
    void noPrefixCountsMoreThanItSays();
    void eachShapeHasAGoldenFileAndASource();
    void unknownIsNotZero();
    void eventsWithDataAreCounted();
    void notFooledByText();
    void aZeroDoesNotTakeBackWhatWasReported();
    void base64IsNotText();
    void aRequestHasOneReading();
    void aBombIsNotUnpacked_data();
    void aBombIsNotUnpacked();
    void whatIsCutIsNotComplete();
};

void TstUsage::golden_data()
{
    QTest::addColumn<QString>("path");
    const QStringList names = QDir(goldenFolder()).entryList({QStringLiteral("*.golden")}, QDir::Files, QDir::Name);
    QVERIFY(names.size() > 40);
    for (const QString &name : names)
        QTest::newRow(qPrintable(name)) << goldenFolder() + QLatin1Char('/') + name;
}

void TstUsage::golden()
{
    QFETCH(QString, path);
    const Golden golden = readGolden(path);
    const Usage expected = expectedUsage(golden.head[QStringLiteral("expected")].toObject());
    QVERIFY(expected != Usage());
    for (const size_t size : {golden.body.size(), size_t{1}, size_t{2}, size_t{7}, size_t{1000}}) {
        UsageReader reader;
        QVERIFY(reader.begin(golden.type, golden.reasoningApart()));
        feedInParts(reader, golden.body, size);
        QCOMPARE(shown(reader.usage()), shown(expected));
    }
    const std::string half = golden.body.substr(0, golden.body.size() / 2), rest = golden.body.substr(half.size());
    for (const auto &[coding, coded] : {std::pair{"gzip", compressed(golden.body, 15 + 16)}, std::pair{"deflate", compressed(golden.body, 15)},
                                        std::pair{"deflate", compressed(golden.body, -15)}, std::pair{"br", brotliCompressed(golden.body)},
                                        std::pair{"zstd", zstdCompressed(golden.body)}, std::pair{"gzip", compressed(half, 15 + 16) + compressed(rest, 15 + 16)},
                                        std::pair{"zstd", zstdCompressed(half) + zstdCompressed(rest)}}) {
        UsageReader reader;
        reader.begin(golden.type, golden.reasoningApart());
        const auto decoder = ContentDecoder::ofAnswer(coding);
        for (const char byte : coded)
            QVERIFY(decoder->feed({&byte, 1}, [&reader](std::string_view plain) { reader.feed(plain); }));
        QVERIFY(decoder->isComplete());
        QCOMPARE(shown(reader.usage()), shown(expected));
    }
}

void TstUsage::aCutStream_data()
{
    QTest::addColumn<QString>("path");
    for (const QString &name : QDir(goldenFolder()).entryList({QStringLiteral("*.golden")}, QDir::Files, QDir::Name)) {
        if (readGolden(goldenFolder() + QLatin1Char('/') + name).head.contains(QStringLiteral("cut")))
            QTest::newRow(qPrintable(name)) << goldenFolder() + QLatin1Char('/') + name;
    }
}

void TstUsage::aCutStream()
{
    QFETCH(QString, path);
    const Golden golden = readGolden(path);
    const QJsonObject cut = golden.head[QStringLiteral("cut")].toObject();
    const size_t end = golden.body.find(cut[QStringLiteral("before")].toString().toStdString());
    QVERIFY(end != std::string::npos);
    for (const size_t size : {golden.body.size(), size_t{1}}) {
        UsageReader reader;
        reader.begin(golden.type, golden.reasoningApart());
        feedInParts(reader, std::string_view(golden.body).substr(0, end), size);
        QCOMPARE(shown(reader.settled(cut[QStringLiteral("request_text")].toInteger())), shown(expectedUsage(cut)));
    }
}

// Wherever it is cut: what is not marked as estimated is what the whole answer says, or nothing.
void TstUsage::noPrefixCountsMoreThanItSays()
{
    QFETCH(QString, path);
    const Golden golden = readGolden(path);
    const size_t step = golden.body.size() / 4000 + 1; // the long ones at some places
    const Usage whole = expectedUsage(golden.head[QStringLiteral("expected")].toObject());
    for (size_t end = 0; end < golden.body.size(); end += step) {
        UsageReader reader;
        reader.begin(golden.type, golden.reasoningApart());
        reader.feed(std::string_view(golden.body).substr(0, end));
        const Usage settled = reader.settled(-1);
        if (settled.known() && !settled.estimated) {
            QCOMPARE(settled.promptTokens, whole.promptTokens);
            QCOMPARE(settled.completionTokens, whole.completionTokens);
        }
    }
}

void TstUsage::eachShapeHasAGoldenFileAndASource()
{
    const UsagePaths &paths = UsagePaths::instance();
    std::string all;
    for (const QString &name : QDir(goldenFolder()).entryList({QStringLiteral("*.golden")}, QDir::Files))
        all += readGolden(goldenFolder() + QLatin1Char('/') + name).body;
    for (size_t at = 0; at < usageShapes().size(); ++at) {
        const UsageShape &shape = usageShapes()[at];
        QVERIFY2(shape.source.find('.') != std::string_view::npos, shape.name.data());
        QCOMPARE(paths.rowSlots(at).size(), shape.rows.size());
        bool isSeen = false;
        for (const UsageRow &row : shape.rows) {
            const std::string_view last = row.path.substr(row.path.rfind('.') + 1);
            isSeen = isSeen || (row.sense == UsageSense::Total && all.find("\"" + std::string(last) + "\"") != std::string::npos);
        }
        QVERIFY2(isSeen, shape.name.data());
    }
}

void TstUsage::unknownIsNotZero()
{
    UsageReader reader;
    QVERIFY(!reader.begin("image/png"));
    QVERIFY(reader.begin("application/json"));
    reader.feed(R"({"usage":{"prompt_tokens":"many","completion_tokens":-3,"prompt_tokens_details":null},"service_tier":null})");
    QCOMPARE(shown(reader.usage()), shown(Usage()));
    QCOMPARE(shown(reader.settled(-1)), shown(Usage()));
    reader.feed(R"({"usage":{"prompt_tokens":1e300,"completion_tokens":null,"total_tokens":9223372036854775807}})");
    QVERIFY(!reader.usage().known());
}

void TstUsage::eventsWithDataAreCounted()
{
    UsageReader reader;
    QVERIFY(reader.begin("text/event-stream"));
    for (const char byte : std::string_view("\xef\xbb\xbf" "data: 1\n\n: hello\n\nevent: x\ndata: {\ndata: }\n\ndata:[DONE]\r\n\r\n"))
        reader.feed({&byte, 1});
    QCOMPARE(reader.events(), 3);
}

void TstUsage::notFooledByText()
{
    UsageReader reader;
    QVERIFY(reader.begin("application/json"));
    reader.feed(R"({"a":["usage",{"usage":{"prompt_tokens":1}}],"b":"\"usage\":{\"prompt_tokens\":2}","c":{"usage":{"prompt_tokens":3}},)"
                R"("usage":[{"prompt_tokens":4}],"content":[{"usage":{"prompt_tokens":5}}]})");
    QVERIFY(!reader.usage().known());
}

void TstUsage::aZeroDoesNotTakeBackWhatWasReported()
{
    UsageReader reader;
    QVERIFY(reader.begin("text/event-stream"));
    reader.feed("data: {\"message\":{\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\n"
                "data: {\"usage\":{\"input_tokens\":0,\"output_tokens\":15}}\n\n");
    QCOMPARE(shown(reader.usage()), QByteArray("prompt 32 completion 15 cached_tokens 7 tier  model "));
}

void TstUsage::base64IsNotText()
{
    TextMeter meter;
    const std::string text(3000, 'a');
    meter.feed("{\"text\":\"Is this a harbour?\",\"image\":\"");
    meter.feed(text);
    QVERIFY2(meter.bytes() >= 1000 && meter.bytes() < 2100, std::to_string(meter.bytes()).c_str());
    TextMeter words;
    for (int i = 0; i < 1000; ++i)
        words.feed("harbour ");
    QCOMPARE(words.bytes(), int64_t{8000});
}

// What two readers could read in two ways is not looked into: the rules would be checked on one, and the provider would read the other.
void TstUsage::aRequestHasOneReading()
{
    const std::string plain = R"({"model":"a"})";
    for (const auto &[coding, coded] : {std::pair{"gzip", compressed(plain, 15 + 16)}, std::pair{"deflate", compressed(plain, 15)}, std::pair{"zstd", zstdCompressed(plain)}}) {
        QCOMPARE(decoded(*ContentDecoder::ofRequest(coding), coded), plain);
        QVERIFY(!decoded(*ContentDecoder::ofRequest(coding), coded + coded));
        QVERIFY(!decoded(*ContentDecoder::ofRequest(coding), coded + "x"));
    }
    QVERIFY(!decoded(*ContentDecoder::ofRequest("deflate"), compressed(plain, -15)));
    QVERIFY(!ContentDecoder::ofRequest("br"));
    for (const char *several : {"gzip, br", "gzip,gzip", "identity, gzip", "compress", ""})
        QVERIFY(!ContentDecoder::ofAnswer(several) && !ContentDecoder::ofRequest(several));
}

void TstUsage::aBombIsNotUnpacked_data()
{
    QTest::addColumn<QByteArray>("coding");
    QTest::addColumn<QByteArray>("coded");
    const std::string zeros(20'000'000, ' ');
    const auto row = [](const char *name, const char *coding, const std::string &coded) { QTest::newRow(name) << QByteArray(coding) << QByteArray::fromStdString(coded); };
    row("gzip", "gzip", compressed(zeros, 15 + 16));
    row("bare deflate", "deflate", compressed(zeros, -15));
    row("br", "br", brotliCompressed(zeros));
    row("zstd", "zstd", zstdCompressed(zeros));
    std::string members;
    for (int i = 0; i < 100'000; ++i) // each below the free KiB, all together not
        members += compressed(std::string(200, ' '), 15 + 16);
    row("many members", "gzip", members);
}

void TstUsage::aBombIsNotUnpacked()
{
    QFETCH(QByteArray, coding);
    QFETCH(QByteArray, coded);
    size_t made = 0;
    const auto decoder = ContentDecoder::ofAnswer(coding.toStdString());
    QVERIFY(!decoder->feed({coded.constData(), static_cast<size_t>(coded.size())}, [&made](std::string_view part) { made += part.size(); }));
    QVERIFY(made <= ContentDecoder::maxDecoded);
    QVERIFY(!decoder->isComplete());
}

void TstUsage::whatIsCutIsNotComplete()
{
    const std::string plain = R"({"usage":{"prompt_tokens":3,"completion_tokens":5}})";
    for (const auto &[coding, coded] : {std::pair{"gzip", compressed(plain, 15 + 16)}, std::pair{"deflate", compressed(plain, -15)}, std::pair{"br", brotliCompressed(plain)},
                                        std::pair{"zstd", zstdCompressed(plain)}}) {
        for (size_t size = 0; size < coded.size(); ++size)
            QVERIFY(!decoded(*ContentDecoder::ofAnswer(coding), std::string_view(coded).substr(0, size)));
    }
}

REGISTER_TEST(TstUsage)
#include "tst_usage.moc"
