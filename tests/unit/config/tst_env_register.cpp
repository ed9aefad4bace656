// SPDX-License-Identifier: GPL-3.0-only
// The list of .env files in a data directory.
#include "config/env_register.h"
#include "settings_fixture.h"
#include "test_registry.h"

#include <QDir>
#include <QTemporaryDir>

#include <sys/stat.h>

using namespace llmproxy;
using namespace llmproxy::test;

using Paths = std::vector<std::string>;

class TstEnvRegister : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void theNewestIsLastAndNoneIsThereTwice()
    {
        QCOMPARE(rememberedEnvFiles(data()), Paths());
        for (const char *file : {"/a/.env", "/b/.env", "/b/.env", "", "/two\nlines", "/a//./.env"})
            rememberEnvFile(data(), file);
        QCOMPARE(rememberedEnvFiles(data()), (Paths{"/b/.env", "/a/.env"}));
        QFile file(QString::fromStdString(envRegisterPath(data())));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QCOMPARE(file.readAll(), QByteArray("/b/.env\n/a/.env\n"));
        struct stat info{};
        QCOMPARE(stat(envRegisterPath(data()).c_str(), &info), 0);
        QCOMPARE(info.st_mode & 0777, mode_t{0600});
        QCOMPARE(QDir(m_folder->path()).entryList(QDir::Files), QStringList{QStringLiteral("env-files")});
    }

    void relativePathsBecomeAbsolute()
    {
        rememberEnvFile(data(), ".env");
        rememberEnvFile(data(), "/no UTF-8 \xff/.env"); // its bytes stay
        QCOMPARE(rememberedEnvFiles(data()), (Paths{QDir::currentPath().toStdString() + "/.env", "/no UTF-8 \xff/.env"}));
    }

    void theOldestAreForgotten()
    {
        for (int i = 0; i < 40; ++i)
            rememberEnvFile(data(), "/" + std::to_string(i) + "/.env");
        const Paths files = rememberedEnvFiles(data());
        QCOMPARE(files.size(), size_t{32});
        QCOMPARE(files.front(), std::string("/8/.env"));
        QCOMPARE(files.back(), std::string("/39/.env"));
    }

    // A line that was cut off, or that somebody else wrote, is no path of ours.
    void onlyWholeAbsoluteLinesCount()
    {
        writeFile(envRegisterPath(data()), "relative/.env\n\n/a/.env\n/a/.env\n/cut/of");
        QCOMPARE(rememberedEnvFiles(data()), Paths{"/a/.env"});
        chmod(envRegisterPath(data()).c_str(), 0666);
        QCOMPARE(rememberedEnvFiles(data()), Paths());
    }

    void whatCannotBeWrittenStopsNothing()
    {
        rememberEnvFile(data() + "/missing", "/a/.env");
        QVERIFY(!QDir(QString::fromStdString(data() + "/missing")).exists());
        QVERIFY(QDir().mkdir(QString::fromStdString(envRegisterPath(data()))));
        rememberEnvFile(data(), "/a/.env");
        QCOMPARE(rememberedEnvFiles(data()), Paths());
        QCOMPARE(QDir(m_folder->path()).entryList(QDir::Files), QStringList());
    }

private:
    std::string data() const { return m_folder->path().toStdString(); }

    std::unique_ptr<QTemporaryDir> m_folder;
};

REGISTER_TEST(TstEnvRegister)
#include "tst_env_register.moc"
