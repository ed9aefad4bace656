// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include <QCoreApplication>

int main(int argc, char **argv)
{
    const QCoreApplication app(argc, argv);
    return llmproxy::test::runRegistered(app.arguments());
}
