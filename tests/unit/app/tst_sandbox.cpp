// SPDX-License-Identifier: GPL-3.0-only
// Which of bubblewrap's troubles are the machine's. Only after these does a command go on without isolation.
#include "sandbox.h"
#include "test_registry.h"

using namespace llmproxy;

class TstSandbox : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void refusalsOfTheKernel_data()
    {
        QTest::addColumn<QString>("said");
        QTest::addColumn<bool>("isRefusal");
        QTest::newRow("sysctl") << QStringLiteral("bwrap: Creating new namespace failed: No space left on device") << true;
        QTest::newRow("container") << QStringLiteral("bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.") << true;
        QTest::newRow("older") << QStringLiteral("bwrap: No permissions to creating new namespace, likely because") << true;
        QTest::newRow("AppArmor") << QStringLiteral("bwrap: setting up uid map: Permission denied") << true;
        QTest::newRow("masked /proc") << QStringLiteral("bwrap: Can't mount proc on /newroot/proc: Operation not permitted") << true;
        QTest::newRow("too many files") << QStringLiteral("bwrap: Exceeded maximum number of arguments 9000") << false;
        QTest::newRow("a name of a file") << QStringLiteral("bwrap: Can't create file /x/proxy.db-Creating new namespace failed: Permission denied") << false;
        QTest::newRow("another name") << QStringLiteral("bwrap: Can't bind mount /bindfileX on /newroot/x/uid map: No such file or directory") << false;
        QTest::newRow("nothing") << QString() << false;
    }

    void refusalsOfTheKernel()
    {
        QFETCH(QString, said);
        QFETCH(bool, isRefusal);
        QCOMPARE(isRefusalOfKernel(said.toStdString()), isRefusal);
    }
};

REGISTER_TEST(TstSandbox)
#include "tst_sandbox.moc"
