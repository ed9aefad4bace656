// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/credential_text.h"
#include "test_registry.h"

using namespace llmproxy;

class TstCredentialText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void whatSurroundsItIsNoPartOfIt()
    {
        for (const char *text : {"sk-abcd1234", "sk-abcd1234\n", "\"sk-abcd1234\"", "'sk-abcd1234'\r\n", "`sk-abcd1234`", "\xef\xbb\xbfsk-abcd1234\n", "  sk-abcd1234\t",
                                 "\"'sk-abcd1234'\"", "\"sk-abcd1234\n\"\n"}) {
            QVERIFY2(readCredential(text).value == "sk-abcd1234", text);
            QVERIFY2(readCredential(text).problem.empty(), text);
        }
    }

    void whatIsNoCredentialIsRefused()
    {
        for (const char *text : {"", " \n", "\"\"", "OPENAI_API_KEY=sk-abcd1234", "export OPENAI_API_KEY=sk-abcd1234", "KEY=sk-abcd1234", "token='sk-abcd1234'",
                                 "GEMINI=sk-abcd1234", "Bearer sk-abcd1234", "bearer sk-abcd1234", "\"sk-abcd1234", "sk-abcd1234'", "sk-abcd1234\nsk-abcd1234", "sk abcd",
                                 "sk-\xc3\xa4", "sk-\x7f", "sk-a\x01"}) {
            const CredentialText read = readCredential(text);
            QVERIFY2(!read.problem.empty() && read.value.empty(), text);
            QVERIFY2(read.problem.find("abcd") == read.problem.npos, text);
        }
    }

    // Padding of base64, and '=' behind what no variable is called.
    void equalSignsOfAKeyStay()
    {
        for (const char *text : {"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=", "QUJDREVGRw==", "QUJD_REVGRw==", "a+b/c=d", "sk-proj-a=b", "env:NAME", "vault:secret/app#key"})
            QVERIFY2(readCredential(text).value == text, text);
    }
};

REGISTER_TEST(TstCredentialText)
#include "tst_credential_text.moc"
