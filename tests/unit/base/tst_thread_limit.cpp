// SPDX-License-Identifier: GPL-3.0-only
// A system that runs out of threads while something with several of them is made: those that were made end. Whether a whole start
// then says so is tests/integration/test_thread_limit.py.
#include "test_registry.h"

#include "secrets/file_source.h"
#include "upstream/resolver.h"

#include <QTemporaryDir>

#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <pthread.h>
#include <system_error>

using namespace llmproxy;

namespace {

std::atomic<int> threadsLeft{-1}; // that the system has; -1: as many as it wants

int threadsNamed(const std::string &name)
{
    int count = 0;
    for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string comm;
        std::ifstream(task.path() / "comm") >> comm;
        count += comm == name ? 1 : 0;
    }
    return count;
}

} // namespace

// Found before the C library's own, by the C++ library too.
extern "C" int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *argument)
{
    using Create = int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    static const Create real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
    if (threadsLeft == 0)
        return EAGAIN;
    if (threadsLeft > 0)
        --threadsLeft;
    return real(thread, attributes, work, argument);
}

class TstThreadLimit : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void cleanup() { threadsLeft = -1; }
    void theResolverEndsThoseItMade();
    void theFileSourceEndsThoseItMade();
};

void TstThreadLimit::theResolverEndsThoseItMade()
{
    const int before = threadsNamed("resolver");
    for (int made = 0; made < static_cast<int>(Resolver::threadCount); ++made) {
        threadsLeft = made;
        QVERIFY_EXCEPTION_THROWN(Resolver([](const std::string &) { return NameLookUp(); }), std::system_error);
        QCOMPARE(threadsNamed("resolver"), before);
    }
    threadsLeft = Resolver::threadCount;
    const Resolver whole;
    QTRY_COMPARE(threadsNamed("resolver"), before + static_cast<int>(Resolver::threadCount));
}

// One of its threads may hang in the kernel: nobody waits for them, they end by themselves.
void TstThreadLimit::theFileSourceEndsThoseItMade()
{
    const int before = threadsNamed("secret-file");
    QTemporaryDir folder;
    const std::string data = folder.path().toStdString();
    for (int made = 0; made < 3; ++made) {
        threadsLeft = made;
        QVERIFY_EXCEPTION_THROWN(FileSource(data, data + "/more"), std::system_error);
        QTRY_COMPARE(threadsNamed("secret-file"), before);
    }
    threadsLeft = -1;
    const FileSource whole(data, data + "/more");
    QTRY_VERIFY(threadsNamed("secret-file") >= before + 3);
}

REGISTER_TEST(TstThreadLimit)
#include "tst_thread_limit.moc"
