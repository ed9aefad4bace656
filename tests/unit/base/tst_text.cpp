// SPDX-License-Identifier: GPL-3.0-only
// Letters without a locale, and JSON strings against Qt's own reader.
#include "base/ascii.h"
#include "base/json_text.h"
#include "test_registry.h"

#include <QJsonArray>
#include <QJsonDocument>

using namespace llmproxy;

class TstText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void lettersAreAscii()
    {
        for (int byte = 0; byte < 256; ++byte) {
            const char c = static_cast<char>(byte);
            const bool upper = byte >= 'A' && byte <= 'Z', lower = byte >= 'a' && byte <= 'z', digit = byte >= '0' && byte <= '9';
            QCOMPARE(asciiLower(c), upper ? static_cast<char>(byte + 32) : c);
            QCOMPARE(isAsciiAlnum(c), upper || lower || digit);
            QCOMPARE(isAsciiDigit(c), digit);
            QCOMPARE(isAsciiHexDigit(c), digit || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F'));
        }
        QVERIFY(equalsIgnoreCase("TRANSFER-ENCODING", "transfer-encoding"));
        QVERIFY(!equalsIgnoreCase("[x", "{X")); // these differ by the bit that letters differ by
        QVERIFY(!equalsIgnoreCase("a", "ab"));
        QCOMPARE(lowerCased("ÄBc-I"), std::string("Äbc-i"));
    }

    // Looked at eight bytes at a time, the last eight twice: each byte at each place.
    void jsonStringsAreReadBack()
    {
        for (int byte = 0; byte < 0x80; ++byte) {
            for (size_t length = 1; length <= 20; ++length) {
                for (size_t at = 0; at < length; ++at) {
                    std::string text(length, 'j');
                    text[at] = static_cast<char>(byte);
                    std::string json = "[";
                    appendJsonString(json, text);
                    json += ']';
                    const QJsonDocument read = QJsonDocument::fromJson(QByteArray::fromStdString(json));
                    QVERIFY2(read.isArray(), json.c_str());
                    QCOMPARE(read.array().at(0).toString().toStdString(), text);
                }
            }
        }
        for (const auto &[text, json] : {std::pair{"1234567\xff", "\"1234567\xef\xbf\xbd\""}, std::pair{"\xc3\xa4" "12345678", "\"\xc3\xa4" "12345678\""},
                                         std::pair{"12345678\xc3", "\"12345678\xef\xbf\xbd\""}, std::pair{"", "\"\""}}) {
            std::string out;
            appendJsonString(out, text);
            QCOMPARE(out, std::string(json));
        }
    }
};

REGISTER_TEST(TstText)
#include "tst_text.moc"
