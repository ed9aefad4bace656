// SPDX-License-Identifier: GPL-3.0-only
// Which folders and files a command of run does not see.
#include "hidden_paths.h"
#include "isolation_plan.h"
#include "test_registry.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <algorithm>
#include <unistd.h>

using namespace llmproxy;

namespace {

using Kind = OwnPlace::Kind;
using Paths = std::vector<std::string>;

class Tree
{
public:
    std::string path(const std::string &name) const { return QDir(m_folder.path()).canonicalPath().toStdString() + '/' + name; }
    void file(const std::string &name, const QByteArray &text = "x") const
    {
        const QString whole = QString::fromStdString(path(name));
        QDir().mkpath(QFileInfo(whole).path());
        QFile file(whole);
        file.open(QIODevice::WriteOnly);
        file.write(text);
    }
    void folder(const std::string &name) const { QDir().mkpath(QString::fromStdString(path(name))); }

private:
    QTemporaryDir m_folder;
};

} // namespace

class TstHiddenPaths : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void whatIsNotThereIsLeftOut()
    {
        const Tree tree;
        HiddenPaths hidden;
        hidden.addFolder(tree.path("none"), "x");
        hidden.addFile(tree.path("none/file"), "x");
        hidden.addFile("", "x");
        QVERIFY(hidden.folders().empty() && hidden.files().empty());
        QCOMPARE(hidden.summary(), std::string());
    }

    void aHiddenFolderCoversWhatIsInIt()
    {
        const Tree tree;
        tree.file("data/keys/one");
        tree.file("data-other/two");
        HiddenPaths hidden;
        hidden.add({tree.path("data/keys"), Kind::Folder, "secrets"});
        hidden.add({tree.path("data/keys/one"), Kind::File, "key"});
        hidden.add({tree.path("data"), Kind::Folder, "data directory"});
        hidden.add({tree.path("data"), Kind::Folder, "again"});
        hidden.add({tree.path("data-other/two"), Kind::File, "key"});
        QCOMPARE(hidden.folders(), Paths{tree.path("data")});
        QCOMPARE(hidden.files(), Paths{tree.path("data-other/two")});
        QCOMPARE(hidden.summary(), "data directory " + tree.path("data") + ", key " + tree.path("data-other/two"));
        QVERIFY(hidden.covers(tree.path("data/keys")) && !hidden.covers(tree.path("data-other")));
    }

    void linksAreFollowed()
    {
        const Tree tree;
        tree.file("real/key");
        QFile::link(QString::fromStdString(tree.path("real/key")), QString::fromStdString(tree.path("link")));
        QFile::link(QString::fromStdString(tree.path("real")), QString::fromStdString(tree.path("folder")));
        HiddenPaths hidden;
        hidden.add({tree.path("link"), Kind::File, "key"});
        hidden.add({tree.path("folder/key"), Kind::File, "key"});
        QCOMPARE(hidden.files(), Paths{tree.path("real/key")});
    }

    void siblingsAndWholeFolders()
    {
        const Tree tree;
        for (const char *name : {"db/p.db", "db/p.db-wal", "db/p.db.backup-v11", "db/other", "log/a.log", "log/a.log.1.gz", "log/s.log"})
            tree.file(name);
        HiddenPaths hidden;
        hidden.add({tree.path("db/p.db"), Kind::Files, "database"});
        hidden.add({tree.path("log/a.log"), Kind::Files, "audit log"});
        hidden.add({tree.path("log/s.log"), Kind::Files, "log"});
        hidden.hideWholeFolders(tree.path("elsewhere"));
        Paths files = hidden.files();
        std::sort(files.begin(), files.end());
        QCOMPARE(files, (Paths{tree.path("db/p.db"), tree.path("db/p.db-wal"), tree.path("db/p.db.backup-v11")}));
        QCOMPARE(hidden.folders(), Paths{tree.path("log")});
        QCOMPARE(hidden.remade(), Paths{tree.path("db/p.db")});
    }

    void theWorkingDirectoryStays()
    {
        const Tree tree;
        tree.file("log/a.log");
        HiddenPaths hidden;
        hidden.add({tree.path("log/a.log"), Kind::Files, "audit log"});
        hidden.hideWholeFolders(tree.path("log"));
        QVERIFY(hidden.folders().empty());
        QCOMPARE(hidden.files(), Paths{tree.path("log/a.log")});
    }

    void unreachablePlacesNeedNoHiding()
    {
        const Tree tree;
        tree.file("closed/key");
        QFile::setPermissions(QString::fromStdString(tree.path("closed")), {});
        QCOMPARE(reachablePath(tree.path("closed/key")), std::string()); // root has no capabilities inside
        QFile::setPermissions(QString::fromStdString(tree.path("closed")), QFileDevice::ReadOwner | QFileDevice::WriteOwner | QFileDevice::ExeOwner);
        QCOMPARE(reachablePath(tree.path("closed/key")), tree.path("closed/key"));
    }

    void aroundTheWorkingDirectory()
    {
        const Tree tree;
        tree.folder("top/.git");
        tree.file("top/.env", "MANAGEMENT_TOKEN=m\nDATA_DIR=store\n");
        tree.file("top/store/llm-proxy.db");
        tree.file("top/app/.env", "LOG_LEVEL=debug\n"); // another program's
        tree.file("top/app/data/llm-proxy.db");
        tree.file("top/app/here/.env", "SHOP=1\n");     // what --serve would read here
        tree.file(".env", "MANAGEMENT_TOKEN=outside the tree\n");
        Paths found;
        for (const OwnPlace &place : placesAround(tree.path("top/app/here")))
            found.push_back(place.path);
        QCOMPARE(found, (Paths{tree.path("top/app/here/.env"), tree.path("top/app/data"), tree.path("top/.env"), tree.path("top/store")}));
    }
};

REGISTER_TEST(TstHiddenPaths)
#include "tst_hidden_paths.moc"
