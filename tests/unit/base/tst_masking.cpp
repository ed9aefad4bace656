// SPDX-License-Identifier: GPL-3.0-only
// The masking table of the contract, literally, and what must hold for every text.
#include "base/masking.h"
#include "test_registry.h"

using namespace llmproxy;

class TstMasking : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void table_data()
    {
        QTest::addColumn<QByteArray>("in");
        QTest::addColumn<QByteArray>("out");
        const auto row = [](const char *in, const char *out) { QTest::newRow(in) << QByteArray(in) << QByteArray(out); };
        row("tok-1234567890abcdef", "tok-1234****cdef");
        row("abcd1234efgh5678", "ab********78");
        row("sk-1234567890abcdef", "sk-1234****cdef");
        row("api_1234567890abcdef", "api_1234****cdef");
        row("ghp_1234567890abcdef", "ghp_1234****cdef");
        row("Bearer tok-1234567890abcdef", "Bearer tok-1234****cdef");
        row("Bearer abcd1234efgh5678", "Bearer abcd****5678");
        row("sk-12345678", "sk-****");
        row("abcdefghijk", "********");
        row("", "");
        row("Bearer sk-12345678", "Bearer sk-****");
        row("sk-123456789012", "sk-1234****9012");
        row("abcdefghijkl", "ab********kl");
        row("SK-1234567890abcdef", "SK********ef");
        row("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc",
            "\xc3\xa4\xc3\xb6********\xc3\xb6\xc3\xbc");
    }

    void table()
    {
        QFETCH(const QByteArray, in);
        QFETCH(const QByteArray, out);
        const std::string masked = maskSecret(in.toStdString());
        QCOMPARE(masked, out.toStdString());
        QCOMPARE(maskSecret(masked), masked);
    }

    void full()
    {
        QCOMPARE(maskSecret("abcd1234efgh5678", MaskUnprefixed::Full), std::string("********"));
        QCOMPARE(maskSecret("********", MaskUnprefixed::Full), std::string("********"));
        QCOMPARE(maskSecret("tok-1234567890abcdef", MaskUnprefixed::Full), std::string("tok-1234****cdef"));
    }

    void masksAreKnownAsSuch()
    {
        for (const char *masked : {"sk-1234****cdef", "********", "ab********78", "sk-****"})
            QVERIFY2(looksMasked(masked), masked);
        QVERIFY(!looksMasked("sk-1234567890abcdef"));
    }

    void clientIp()
    {
        QCOMPARE(maskClientIp("192.168.1.100"), std::string("192.168.1.0"));
        QCOMPARE(maskClientIp("2001:db8:1:2:3:4:5:6"), std::string("2001:db8:1::"));
        QCOMPARE(maskClientIp(""), std::string());
    }

    void freeText_data()
    {
        QTest::addColumn<QByteArray>("text");
        for (const char *text : {"agent sk-proj-SECRETSECRETSECRET x", "x Bearer SECRETSECRETSECRET", "GET /v1?key=SECRETSECRETSECRET HTTP",
                                 "x-api-key: SECRETSECRETSECRET", "(tok-SECRETSECRETSECRETSECRETSECRETSECRETSECRET)", "ghp_SECRETSECRETSECRET",
                                 "api_key=SECRETSECRETSECRET;", "/v1/xtok-SECRETSECRETSECRETSECRETSECRETSECRETSE",
                                 "xtok-SECRETSECRETSECRETSECRETSECRETSECRETSE_key=x", "{\"api_key\":\"SECRETSECRETSECRET\"}"})
            QTest::newRow(text) << QByteArray(text);
    }

    void freeText()
    {
        QFETCH(const QByteArray, text);
        const std::string redacted = redactText(text.toStdString());
        QVERIFY2(redacted.find("SECRETSECRET") == std::string::npos, redacted.c_str());
        QCOMPARE(redactText(redacted), redacted);
    }

    void ordinaryTextStays()
    {
        for (const char *text : {"OpenAI/Python 1.54.0", "curl/7.88.1", "Mozilla/5.0 (X11; Linux x86_64)", "task-list of keys"})
            QCOMPARE(redactText(text), std::string(text));
    }
};

REGISTER_TEST(TstMasking)
#include "tst_masking.moc"
