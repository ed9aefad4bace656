// SPDX-License-Identifier: GPL-3.0-only
// Runs every registered test object; the exit status is the number of failed ones.
#include "test_registry.h"

#include <QCoreApplication>

namespace llmproxy::test {

std::vector<Registered> &registry()
{
    static std::vector<Registered> tests;
    return tests;
}

} // namespace llmproxy::test

int main(int argc, char **argv)
{
    QCoreApplication app(argc, argv);
    const QStringList wanted = app.arguments().mid(1);
    int failed = 0;
    int ran = 0;
    for (const auto &test : llmproxy::test::registry()) {
        if (!wanted.isEmpty() && !wanted.contains(QLatin1String(test.name)))
            continue;
        ++ran;
        const std::unique_ptr<QObject> object(test.create());
        failed += QTest::qExec(object.get(), {app.arguments().first(), QStringLiteral("-silent")}) != 0;
    }
    if (ran == 0) {
        qCritical("no test of that name");
        return 1;
    }
    return failed;
}
