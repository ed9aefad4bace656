// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

namespace llmproxy::test {

std::vector<Registered> &registry()
{
    static std::vector<Registered> tests;
    return tests;
}

int runRegistered(const QStringList &arguments, const std::function<void()> &before)
{
    const QStringList wanted = arguments.mid(1);
    int failed = 0, ran = 0;
    for (const Registered &test : registry()) {
        if (!wanted.isEmpty() && !wanted.contains(QLatin1String(test.name)))
            continue;
        ++ran;
        if (before)
            before();
        const std::unique_ptr<QObject> object(test.create());
        failed += QTest::qExec(object.get(), {arguments.first(), QStringLiteral("-silent")}) != 0;
    }
    if (ran == 0) {
        qCritical("no test of that name");
        return 1;
    }
    return failed;
}

QString sourceFile(QLatin1String name)
{
    return qEnvironmentVariable("LLM_PROXY_SOURCE_DIR", QStringLiteral(".")) + QLatin1Char('/') + name;
}

} // namespace llmproxy::test
