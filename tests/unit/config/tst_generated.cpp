// SPDX-License-Identifier: GPL-3.0-only
// The files that are made from the declared settings. With LLM_PROXY_WRITE_GENERATED=1 they are written anew.
#include "audit/actions.h"
#include "config/help.h"
#include "config/settings.h"
#include "test_registry.h"

#include <QFile>

using namespace llmproxy;

class TstGenerated : public QObject
{
    Q_OBJECT

private:
    static void compare(const char *name, const std::string &text)
    {
        QFile file(test::sourceFile(QLatin1String(name)));
        if (qEnvironmentVariableIntValue("LLM_PROXY_WRITE_GENERATED") == 1) {
            QVERIFY(file.open(QIODevice::WriteOnly));
            QCOMPARE(file.write(text.data(), static_cast<qint64>(text.size())), static_cast<qint64>(text.size()));
            return;
        }
        QVERIFY2(file.open(QIODevice::ReadOnly), name);
        QVERIFY2(file.readAll().toStdString() == text, "not what the declarations give: LLM_PROXY_WRITE_GENERATED=1 unit_tests TstGenerated");
    }

private Q_SLOTS:
    void envExample() { compare(".env.example", ::llmproxy::envExample()); }
    void auditActions() { compare("docs/audit-actions.md", actionsMarkdown()); }
    void settingsReference() { compare("docs/settings.md", settingsReferenceMarkdown()); }
};

REGISTER_TEST(TstGenerated)
#include "tst_generated.moc"
