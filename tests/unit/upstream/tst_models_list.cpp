// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "upstream/models_list.h"

using namespace llmproxy;

class TstModelsList : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void reads();
    void isBounded();
};

void TstModelsList::reads()
{
    std::vector<std::string> models;
    QVERIFY(readModels("openai", R"({"data":[{"id":"b"},{"id":"a"},{"id":"b"},{"id":"c d"},{"id":7},{}]})", &models));
    QCOMPARE(models, (std::vector<std::string>{"a", "b"}));
    models.clear();
    QVERIFY(readModels("gemini", R"({"models":[{"name":"models/gemini-2"},{"name":"tuned"}]})", &models));
    QCOMPARE(models, (std::vector<std::string>{"gemini-2", "tuned"}));
    for (const char *wrong : {"", "[]", "{}", "<html>", R"({"data":{}})", R"({"models":[]})"})
        QVERIFY2(!readModels("anthropic", wrong, &models), wrong);
}

void TstModelsList::isBounded()
{
    std::string body = R"({"data":[{"id":"x"})";
    for (int i = 0; i < 2000; ++i)
        body += R"(,{"id":"m)" + std::to_string(i) + "\"}";
    std::vector<std::string> models;
    QVERIFY(readModels("openai", body + R"(,{"id":")" + std::string(200, 'y') + "\"}]}", &models));
    QCOMPARE(models.size(), size_t{500});
}

REGISTER_TEST(TstModelsList)
#include "tst_models_list.moc"
