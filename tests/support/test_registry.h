// SPDX-License-Identifier: GPL-3.0-only
// All unit tests live in one executable (one link, one start), those of the console in another. REGISTER_TEST(Class) at the end
// of a test file adds it; all are run, or those named on the command line: unit_tests TstMasking.
#pragma once

#include <QObject>
#include <QTest>

#include <functional>
#include <vector>

namespace llmproxy::test {

struct Registered
{
    const char *name;
    std::function<QObject *()> create;
};
std::vector<Registered> &registry();
// How many failed. before: each of them.
int runRegistered(const QStringList &arguments, const std::function<void()> &before = {});
// A file of the source tree: LLM_PROXY_SOURCE_DIR, which CTest sets, else the working directory.
QString sourceFile(QLatin1String name);
struct Registrar
{
    Registrar(const char *name, std::function<QObject *()> create) { registry().push_back({name, std::move(create)}); }
};

} // namespace llmproxy::test

#define REGISTER_TEST(Class) \
    static const llmproxy::test::Registrar s_registrar##Class(#Class, [] { return static_cast<QObject *>(new Class); });
