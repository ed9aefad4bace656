// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "engine/data_dir.h"
#include "engine/engine.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <sys/stat.h>
#include <unistd.h>

using namespace llmproxy;

class TstDataDir : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void whatIsMissingIsMadeForUsAlone();
    void whatSomebodyElseMadeInBetweenIsRefused();
    void theGroupLosesWhatAMountGaveIt();
};

namespace {

constexpr uid_t stranger = 65534;

mode_t modeAt(const std::string &path)
{
    struct stat info{};
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

} // namespace

void TstDataDir::whatIsMissingIsMadeForUsAlone()
{
    const QTemporaryDir folder;
    const std::string path = folder.path().toStdString() + "/some/where";
    QVERIFY(!checkDataDir(path)); // it is not there yet
    QVERIFY(!makeDataDir(path));
    QCOMPARE(modeAt(path), mode_t{0700});
    QVERIFY(!makeDataDir(path));
}

void TstDataDir::whatSomebodyElseMadeInBetweenIsRefused()
{
    const QTemporaryDir folder;
    const std::string path = folder.path().toStdString() + "/data";
    QVERIFY(!checkDataDir(path));
    QCOMPARE(mkdir(path.c_str(), 0700), 0);
    QCOMPARE(chmod(path.c_str(), 01777), 0);
    const Outcome open = makeDataDir(path);
    QVERIFY(open && open->message.find("other users can write it") != std::string::npos);
    if (geteuid() != 0)
        return;
    QCOMPARE(chmod(path.c_str(), 0755), 0);
    QCOMPARE(chown(path.c_str(), stranger, stranger), 0);
    const Outcome others = makeDataDir(path);
    QVERIFY(others && others->message.find("belongs to the user nobody") != std::string::npos);
}

void TstDataDir::theGroupLosesWhatAMountGaveIt()
{
    const QTemporaryDir folder;
    const std::string data = folder.path().toStdString(), key = data + "/encryption.key", saved = data + "/settings.env", log = data + "/audit.log";
    for (const std::string &path : {key, saved, log}) {
        QFile file(QString::fromStdString(path));
        QVERIFY(file.open(QIODevice::WriteOnly));
        QCOMPARE(chmod(path.c_str(), 0660), 0);
    }
    closeToGroup(data);
    QCOMPARE(modeAt(key), mode_t{0600});
    QCOMPARE(modeAt(saved), mode_t{0600});
    QCOMPARE(modeAt(log), mode_t{0660}); // AUDIT_FILE_MODE may be that
    QCOMPARE(chmod(key.c_str(), 0644), 0); // no mount does that: the key is refused
    closeToGroup(data);
    QCOMPARE(modeAt(key), mode_t{0644});
}

REGISTER_TEST(TstDataDir)
#include "tst_data_dir.moc"
