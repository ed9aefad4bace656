// SPDX-License-Identifier: GPL-3.0-only
// Which files ssh's configuration includes.
#include "ssh_config.h"
#include "test_registry.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <unistd.h>

using namespace llmproxy;

class TstSshConfig : public QObject
{
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    std::string path(const std::string &name) const { return QDir(m_folder.path()).canonicalPath().toStdString() + '/' + name; }
    void write(const std::string &name, const std::string &text) const
    {
        QFile file(QString::fromStdString(path(name)));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(text.c_str()) == static_cast<qint64>(text.size()));
    }

private Q_SLOTS:
    void init()
    {
        if (geteuid() != 0)
            QSKIP("only root makes files of root");
    }
    void whatIsIncluded_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QByteArray>("names");
        QTest::newRow("a file") << QByteArray("Include @/a.conf") << QByteArray("a.conf");
        QTest::newRow("a pattern") << QByteArray("Include @/*.conf") << QByteArray("a.conf b.conf");
        QTest::newRow("two, quoted, a remark") << QByteArray("  iNCLUDE=\"@/b.conf\" @/a.conf # @/c") << QByteArray("b.conf a.conf");
        QTest::newRow("what that includes") << QByteArray("Include @/nested") << QByteArray("nested b.conf");
        QTest::newRow("itself") << QByteArray("Include @/itself") << QByteArray("itself");
        QTest::newRow("a link") << QByteArray("Include @/link") << QByteArray("a.conf");
        QTest::newRow("once") << QByteArray("Include @/a.conf\nInclude @/a.conf") << QByteArray("a.conf");
        QTest::newRow("no file") << QByteArray("Include @/none @/folder") << QByteArray();
        QTest::newRow("somebody's") << QByteArray("Include @/mine") << QByteArray();
        QTest::newRow("no include") << QByteArray("# Include @/a.conf\nHost @/a.conf\nInclude") << QByteArray();
    }
    void whatIsIncluded()
    {
        QFETCH(QByteArray, line);
        QFETCH(QByteArray, names);
        for (const char *const name : {"a.conf", "b.conf", "c", "mine"})
            write(name, "Port 22\n");
        QCOMPARE(chown(path("mine").c_str(), 12345, 12345), 0);
        write("nested", "Include " + path("b.conf") + "\n");
        write("itself", "Include " + path("itself") + "\n");
        QDir().mkpath(QString::fromStdString(path("folder")));
        QFile::link(QString::fromStdString(path("a.conf")), QString::fromStdString(path("link")));
        write("config", line.replace("@", QByteArray::fromStdString(path("").substr(0, path("").size() - 1))).toStdString());
        std::vector<std::string> wanted;
        for (const QByteArray &name : names.split(' ')) {
            if (!name.isEmpty())
                wanted.push_back(path(name.toStdString()));
        }
        QCOMPARE(includedSshConfigs(path("config")), wanted);
    }
};

REGISTER_TEST(TstSshConfig)
#include "tst_ssh_config.moc"
