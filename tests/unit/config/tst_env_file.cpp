// SPDX-License-Identifier: GPL-3.0-only
// What stands in .env: our values, and whatever other programs write there.
#include "config/env_file.h"
#include "test_registry.h"

#include <map>

using namespace llmproxy;

namespace {

bool isOurs(std::string_view name)
{
    return name == "OURS" || name == "LOG_LEVEL";
}

std::map<std::string, std::string> valuesOf(const EnvFile &file)
{
    std::map<std::string, std::string> values;
    for (const EnvValue &one : file.values)
        values[one.name] = one.value;
    return values;
}

bool says(const std::vector<std::string> &sentences, std::initializer_list<const char *> words)
{
    return sentences.size() == 1 && std::all_of(words.begin(), words.end(), [&](const char *word) { return sentences.front().find(word) != std::string::npos; });
}

} // namespace

class TstEnvFile : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void ownFile()
    {
        const EnvFile file = parseEnvFile("# comment\n\nA=1\nexport B=two words\nC=\"quo#ted\" # why\nD='single $x'\nE=\"\"\nF=''\nG=\n"
                                          "H = spaced \nI=a # b\nJ=a#b\r\nK=\"a\\\"b\"\n");
        QVERIFY(file.problems.empty());
        const std::vector<std::pair<std::string, std::string>> expected{{"A", "1"}, {"B", "two words"}, {"C", "quo#ted"}, {"D", "single $x"},
            {"E", ""}, {"F", ""}, {"G", ""}, {"H", "spaced"}, {"I", "a"}, {"J", "a#b"}, {"K", "a\"b"}};
        QCOMPARE(file.values.size(), expected.size());
        for (size_t i = 0; i < expected.size(); ++i) {
            QCOMPARE(file.values[i].name, expected[i].first);
            QCOMPARE(file.values[i].value, expected[i].second);
            QCOMPARE(file.values[i].line, static_cast<int>(i) + 3);
        }
        const EnvFile bad = parseEnvFile("no equals\n=x\n1A=x\nA=\"open\nB='x' y\n");
        QCOMPARE(bad.problems.size(), size_t{5});
        QVERIFY(bad.problems[0].find("line 1") != std::string::npos);
        QVERIFY(bad.problems[3].find("open\"") == std::string::npos);
    }

    void otherProgramsLinesAreSkipped_data()
    {
        QTest::addColumn<QByteArray>("text");
        const auto row = [](const char *name, const char *text) { QTest::newRow(name) << QByteArray(text); };
        row("bare words", "set -a\nsource ./other.env\nFOO\nexport BAR\nOURS=1\nset +a\n");
        row("other forms", "FOO: bar\n[section]\n{\"OURS\": 2}\n=x\n1A=x\nA-B=c\nOURS=1\n");
        row("a certificate", "KEY=\"-----BEGIN KEY-----\nMIIB=\nOURS=2\n-----END KEY-----\"\nOURS=1\n");
        row("a certificate without quotation marks", "KEY=-----BEGIN KEY-----\nMIIBabc==\n-----END KEY-----\nOURS=1\n");
        row("JSON", "CONFIG='{\n  \"OURS\": \"2\",\n  \"a\": [1]\n}'\nOURS=1\n");
        row("backticks", "SQL=`select 1\nOURS=2\n` # three lines\nOURS=1\n");
        row("escaped quotes", "MOTD=\"a \\\"b\nOURS=2\n\\\" c\"\nOURS=1\n");
        row("our name inside one line", "NOTE=\"set OURS=2\"\nOURS=1\n");
        row("text behind a quote", "GREETING='don't'\nCONCAT=\"a\"'b'\nOURS=1\n");
        row("carriage returns", "FOO=\"a\r\nOURS=2\r\n\"\r\nOURS=1\r\n");
        row("a byte order mark", "\xef\xbb\xbfOURS=1\nFOO=\"\n\"\n");
        row("no last line end", "FOO='a\n'\nOURS=1");
        row("our own value of several lines", "OURS=\"1\"\nLOG_LEVEL='a\nOURS=2'\n");
    }

    void otherProgramsLinesAreSkipped()
    {
        QFETCH(const QByteArray, text);
        const EnvFile file = parseSharedEnvFile(text.toStdString(), isOurs);
        QVERIFY2(file.problems.empty(), file.problems.empty() ? "" : file.problems.front().c_str());
        QVERIFY(file.warnings.empty());
        QCOMPARE(valuesOf(file).at("OURS"), std::string("1"));
        QVERIFY(!valuesOf(file).contains("FOO"));
    }

    void linesAreCountedThroughValuesOfSeveralLines()
    {
        const EnvFile file = parseSharedEnvFile("# 1\nFOO=\"2\n3\n4\"\n\nOURS=x\n", isOurs);
        QCOMPARE(file.values.size(), size_t{1});
        QCOMPARE(file.values[0].line, 6);
        QCOMPARE(parseSharedEnvFile("OURS=\"a\r\nb\\nc\"\n", isOurs).values[0].value, std::string("a\nb\nc"));
    }

    void aQuoteThatIsNotClosedEndsWithItsLine()
    {
        for (const char *text : {"OURS=1\nFOO=\"abc\n", "OURS=1\nFOO='abc\nBAR=2\n", "OURS=1\nFOO=\"abc\nBAR=x\"y\nLOG_LEVEL=info\n", "OURS=1\nFOO=\"abc\\"}) {
            const EnvFile file = parseSharedEnvFile(text, isOurs);
            QVERIFY2(file.problems.empty(), text);
            QVERIFY2(says(file.warnings, {"line 2"}), text);
            QVERIFY2(file.warnings.front().find("abc") == std::string::npos, text);
            QCOMPARE(valuesOf(file).at("OURS"), std::string("1"));
        }
        QCOMPARE(valuesOf(parseSharedEnvFile("FOO=\"abc\nBAR=x\"y\nLOG_LEVEL=info\n", isOurs)).at("LOG_LEVEL"), std::string("info"));
    }

    void aNameOfOursIsNeverSwallowed()
    {
        for (const char *text : {"\nFOO=\"abc\n\nOURS=1\n", "\nFOO=\"abc\nBAR=2\nOURS=\"1\"\n", "\nexport FOO='abc\n#\nexport OURS='1'\n", "\nFOO=\"abc\nBAR=\"x\"\nOURS=1\n"}) {
            const EnvFile file = parseSharedEnvFile(text, isOurs);
            QVERIFY2(says(file.problems, {"line 2", "line 4", "OURS"}), text);
            QVERIFY2(file.problems.front().find("abc") == std::string::npos, text);
        }
    }

    void ourOwnLinesAreReadStrictly()
    {
        QVERIFY(says(parseSharedEnvFile("OURS=\"abc\n", isOurs).problems, {"line 1", "OURS"}));
        QVERIFY(says(parseSharedEnvFile("OURS=\"abc\" x\n", isOurs).problems, {"line 1", "OURS"}));
        QVERIFY(says(parseSharedEnvFile("OURS: abc\n", isOurs).warnings, {"line 1", "OURS"}));
        QVERIFY(says(parseSharedEnvFile("OURS abc\n", isOurs).warnings, {"line 1", "OURS"}));
        QVERIFY(parseSharedEnvFile("OURS\nexport OURS\n", isOurs).warnings.empty()); // exported from elsewhere
    }
};

REGISTER_TEST(TstEnvFile)
#include "tst_env_file.moc"
