// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "base/accounts.h"
#include "base/owned_file.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llmproxy;

class TstOwnedFile : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void aNewFileHasItsMode();
    void whatIsThereIsOpenedAsItIs();
    void whatIsNoFileOfOursIsRefused_data();
    void whatIsNoFileOfOursIsRefused();
    void aLinkOfOursIsFollowed();
    void aLinkThatOthersCanHavePlacedIsNot();
    void aFolderOfOurOwnGroupIsOurs();
    void anOutputMayBeAPipe();
    void linksToDevices();
    void linksThatLeadInACircleEnd();
    void foldersAreLookedAt();
    void theLastWholeLine();
};

namespace {

constexpr uid_t stranger = 65534;

std::string inFolder(const QTemporaryDir &folder, const char *name)
{
    return folder.filePath(QString::fromLatin1(name)).toStdString();
}

void fill(const std::string &path, const char *text, mode_t mode = 0600)
{
    QFile file(QString::fromStdString(path));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
    file.close();
    QCOMPARE(chmod(path.c_str(), mode), 0);
}

mode_t modeOf(const std::string &path)
{
    struct stat info{};
    return lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

// Opens and closes it. Empty: it was opened.
std::string problemOf(const std::string &path, int flags = O_RDWR | O_CREAT | O_TRUNC)
{
    std::string problem;
    const int fd = openOwned(path, flags, 0600, &problem);
    if (fd < 0)
        return problem.empty() ? "no problem is named" : problem;
    close(fd);
    return {};
}

} // namespace

void TstOwnedFile::aNewFileHasItsMode()
{
    QTemporaryDir folder;
    const mode_t before = umask(0777);
    const std::string problem = problemOf(inFolder(folder, "new"));
    umask(before);
    QCOMPARE(problem, std::string());
    QCOMPARE(modeOf(inFolder(folder, "new")), mode_t{0600});
    QCOMPARE(problemOf(inFolder(folder, "no/new")), std::string("No such file or directory"));
    QCOMPARE(problemOf(inFolder(folder, "none"), O_RDONLY), std::string("No such file or directory"));
    QCOMPARE(errno, ENOENT);
    QCOMPARE(problemOf(inFolder(folder, "new"), O_RDWR | O_CREAT | O_EXCL), std::string("File exists"));
}

void TstOwnedFile::whatIsThereIsOpenedAsItIs()
{
    QTemporaryDir folder;
    fill(inFolder(folder, "a"), "text", 0640);
    QCOMPARE(problemOf(inFolder(folder, "a"), O_RDWR | O_CREAT), std::string());
    QCOMPARE(modeOf(inFolder(folder, "a")), mode_t{0640});
    QCOMPARE(QFile(folder.filePath(QStringLiteral("a"))).size(), qint64{4});
    QCOMPARE(problemOf(inFolder(folder, "a")), std::string());
    QCOMPARE(QFile(folder.filePath(QStringLiteral("a"))).size(), qint64{0});
    // By a relative path, and with what such paths may have in them.
    const QString here = QDir::currentPath();
    QVERIFY(QDir::setCurrent(folder.path()));
    const std::string direct = problemOf("a"), wound = problemOf(".//./a"), up = problemOf("../" + folder.path().section(QLatin1Char('/'), -1).toStdString() + "/a");
    QVERIFY(QDir::setCurrent(here));
    QCOMPARE(direct + wound + up, std::string());
}

void TstOwnedFile::whatIsNoFileOfOursIsRefused_data()
{
    QTest::addColumn<QString>("what");
    QTest::addColumn<QString>("problem");
    QTest::newRow("folder") << QStringLiteral("folder") << QStringLiteral("it is not a regular file");
    QTest::newRow("pipe") << QStringLiteral("pipe") << QStringLiteral("it is not a regular file");
    QTest::newRow("device") << QStringLiteral("device") << QStringLiteral("it is not a regular file");
    QTest::newRow("a stranger's") << QStringLiteral("stranger") << QStringLiteral("it belongs to the user nobody");
    QTest::newRow("open to all") << QStringLiteral("open") << QStringLiteral("other users can write it; run chmod o-w on it");
}

void TstOwnedFile::whatIsNoFileOfOursIsRefused()
{
    QFETCH(QString, what);
    QFETCH(QString, problem);
    QTemporaryDir folder;
    const std::string path = inFolder(folder, "a");
    const bool needsRoot = what == QLatin1String("device") || what == QLatin1String("stranger");
    if (needsRoot && geteuid() != 0)
        QSKIP("only root makes one");
    if (what == QLatin1String("folder"))
        QCOMPARE(mkdir(path.c_str(), 0700), 0);
    else if (what == QLatin1String("pipe"))
        QCOMPARE(mkfifo(path.c_str(), 0600), 0);
    else if (what == QLatin1String("device"))
        QCOMPARE(mknod(path.c_str(), S_IFCHR | 0666, 1 << 8 | 3), 0);
    else
        fill(path, "text", what == QLatin1String("open") ? 0602 : 0600);
    if (what == QLatin1String("stranger"))
        QCOMPARE(chown(path.c_str(), stranger, stranger), 0);
    const mode_t before = modeOf(path);
    for (const int flags : {O_RDWR | O_CREAT | O_TRUNC, O_RDONLY, O_WRONLY | O_APPEND}) {
        QCOMPARE(problemOf(path, flags), problem.toStdString());
        QCOMPARE(errno, EPERM);
    }
    QCOMPARE(modeOf(path), before);
    if (S_ISREG(before) || what == QLatin1String("stranger") || what == QLatin1String("open"))
        QCOMPARE(QFile(QString::fromStdString(path)).size(), qint64{4});
}

void TstOwnedFile::aLinkOfOursIsFollowed()
{
    QTemporaryDir folder;
    QVERIFY(QDir(folder.path()).mkdir(QStringLiteral("real")));
    fill(inFolder(folder, "real/a"), "text");
    QCOMPARE(symlink("real", inFolder(folder, "relative").c_str()), 0);
    QCOMPARE(symlink(inFolder(folder, "relative/a").c_str(), inFolder(folder, "absolute").c_str()), 0);
    QCOMPARE(symlink("real/new", inFolder(folder, "hanging").c_str()), 0);
    for (const char *name : {"relative/a", "absolute", "hanging"})
        QCOMPARE(problemOf(inFolder(folder, name), O_RDWR | O_CREAT), std::string());
    QVERIFY(QFile::exists(folder.filePath(QStringLiteral("real/new"))));
}

void TstOwnedFile::aLinkThatOthersCanHavePlacedIsNot()
{
    QTemporaryDir folder;
    fill(inFolder(folder, "victim"), "text");
    QVERIFY(QDir(folder.path()).mkdir(QStringLiteral("open")));
    QCOMPARE(symlink("../victim", inFolder(folder, "open/link").c_str()), 0);
    QCOMPARE(symlink("open/victim", inFolder(folder, "into").c_str()), 0);
    fill(inFolder(folder, "open/victim"), "text");
    const std::string placed = "it is reached through the symbolic link 'link', which others can have placed";
    QCOMPARE(chmod(inFolder(folder, "open").c_str(), 0707), 0);
    QCOMPARE(problemOf(inFolder(folder, "open/link")), placed);
    QCOMPARE(problemOf(inFolder(folder, "into")), std::string("it is reached through a symbolic link and a folder that others can write"));
    QCOMPARE(problemOf(inFolder(folder, "open/victim"), O_RDWR), std::string());
    if (geteuid() == 0) { // a group of others: its members can rename our links, but not make one that is ours
        QCOMPARE(chown(inFolder(folder, "open").c_str(), uid_t(-1), stranger), 0);
        QCOMPARE(chmod(inFolder(folder, "open").c_str(), 02770), 0);
        QCOMPARE(problemOf(inFolder(folder, "open/link")), placed);
        QCOMPARE(problemOf(inFolder(folder, "into"), O_RDWR), std::string()); // a volume of Kubernetes
    }
    QCOMPARE(chmod(inFolder(folder, "open").c_str(), 01777), 0); // as /tmp: nobody else can replace it
    QCOMPARE(problemOf(inFolder(folder, "open/link"), O_RDWR), std::string());
    QCOMPARE(QFile(folder.filePath(QStringLiteral("victim"))).size(), qint64{4});
    if (geteuid() != 0)
        return;
    QCOMPARE(lchown(inFolder(folder, "open/link").c_str(), stranger, stranger), 0);
    QVERIFY(!problemOf(inFolder(folder, "open/link")).empty());
    QCOMPARE(QFile(folder.filePath(QStringLiteral("victim"))).size(), qint64{4});
}

void TstOwnedFile::aFolderOfOurOwnGroupIsOurs()
{
    QTemporaryDir folder;
    fill(inFolder(folder, "victim"), "text");
    QVERIFY(QDir(folder.path()).mkdir(QStringLiteral("open")));
    QCOMPARE(symlink("../victim", inFolder(folder, "open/link").c_str()), 0);
    QCOMPARE(chown(inFolder(folder, "open").c_str(), uid_t(-1), getegid()), 0);
    QCOMPARE(chmod(inFolder(folder, "open").c_str(), 0775), 0);
    QCOMPARE(problemOf(inFolder(folder, "open/link"), O_RDWR).empty(), isPrivateGroup(getegid()));
    QCOMPARE(chmod(inFolder(folder, "open").c_str(), 0777), 0);
    QVERIFY(!problemOf(inFolder(folder, "open/link"), O_RDWR).empty());
}

void TstOwnedFile::anOutputMayBeAPipe()
{
    QTemporaryDir folder;
    const std::string path = inFolder(folder, "pipe");
    std::string problem;
    QCOMPARE(mkfifo(path.c_str(), 0600), 0);
    const int pipe = openOwnedOutput(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC, 0600, &problem); // waits for no reader
    QVERIFY2(pipe >= 0, problem.c_str());
    QCOMPARE(fcntl(pipe, F_GETFL) & O_NONBLOCK, 0);
    QCOMPARE(write(pipe, "a", 1), ssize_t{1});
    close(pipe);
    QCOMPARE(chmod(path.c_str(), 0622), 0);
    QCOMPARE(openOwnedOutput(path, O_RDWR, 0600, &problem), -1);
    QCOMPARE(problem, std::string("other users can write it; run chmod o-w on it"));
    const int file = openOwnedOutput(inFolder(folder, "new"), O_RDWR | O_CREAT, 0640, &problem);
    QVERIFY(file >= 0);
    close(file);
    QCOMPARE(modeOf(inFolder(folder, "new")), mode_t{0640});
}

void TstOwnedFile::linksToDevices()
{
    QTemporaryDir folder;
    const std::string path = inFolder(folder, "log");
    const auto behind = [&](const std::string &target) {
        unlink(path.c_str());
        if (symlink(target.c_str(), path.c_str()) != 0)
            qFatal("no link");
        return deviceBehind(path);
    };
    QCOMPARE(behind("/dev/stdout"), std::string("/dev/stdout"));
    QCOMPARE(behind("elsewhere"), path);
    QCOMPARE(deviceBehind("/dev/stdout"), std::string("/proc/self/fd/1"));
    QCOMPARE(deviceBehind("/dev/null"), std::string("/dev/null"));
    if (geteuid() != 0)
        return;
    behind("/dev/null");
    QCOMPARE(lchown(path.c_str(), stranger, stranger), 0);
    QCOMPARE(deviceBehind(path), path);
}

void TstOwnedFile::linksThatLeadInACircleEnd()
{
    QTemporaryDir folder;
    QCOMPARE(symlink("b", inFolder(folder, "a").c_str()), 0);
    QCOMPARE(symlink("a", inFolder(folder, "b").c_str()), 0);
    QCOMPARE(problemOf(inFolder(folder, "a")), std::string("Too many levels of symbolic links"));
}

void TstOwnedFile::foldersAreLookedAt()
{
    QTemporaryDir folder;
    struct stat info{};
    std::string problem;
    QVERIFY(lookAtOwnedFolder(folder.path().toStdString() + "/", &info, &problem));
    QCOMPARE(info.st_uid, geteuid());
    QCOMPARE(symlink(".", inFolder(folder, "same").c_str()), 0);
    QVERIFY(lookAtOwnedFolder(inFolder(folder, "same"), &info, &problem));
    QVERIFY(!lookAtOwnedFolder(inFolder(folder, "none"), &info, &problem));
    QCOMPARE(errno, ENOENT);
    fill(inFolder(folder, "file"), "");
    QVERIFY(!lookAtOwnedFolder(inFolder(folder, "file"), &info, &problem));
    QCOMPARE(problem, std::string("Not a directory"));
    QVERIFY(lookAtOwnedFolder("/", &info, &problem));
}

void TstOwnedFile::theLastWholeLine()
{
    QTemporaryDir folder;
    const std::string path = inFolder(folder, "a");
    const auto lastOf = [&](const std::string &text) {
        fill(path, text.c_str());
        std::string problem;
        const int fd = openOwned(path, O_RDONLY, 0, &problem);
        const std::string line = lastWholeLine(fd, static_cast<off_t>(text.size()));
        close(fd);
        return line;
    };
    QCOMPARE(lastOf(""), std::string());
    QCOMPARE(lastOf("no end"), std::string());
    QCOMPARE(lastOf("one\n"), std::string("one"));
    QCOMPARE(lastOf("one\ntwo\nhalf"), std::string("two"));
    QCOMPARE(lastOf("\n"), std::string());
    QCOMPARE(lastOf(std::string(100'000, 'a') + "\n"), std::string());
    QCOMPARE(lastOf(std::string(100'000, 'a') + "\nlast\n"), std::string("last"));
}

REGISTER_TEST(TstOwnedFile)
#include "tst_owned_file.moc"
