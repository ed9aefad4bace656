// SPDX-License-Identifier: GPL-3.0-only
// The encryption key of a data directory from the .env beside it: when it is taken, and what is said when it is not.
#include "config/data_key.h"
#include "secrets/sealed_text.h"
#include "settings_fixture.h"
#include "test_registry.h"

#include <QDir>
#include <QTemporaryDir>

#include <unistd.h>

using namespace llmproxy;
using namespace llmproxy::test;

namespace {

constexpr uid_t stranger = 65534;

const std::string ours(32, 'k'), another(32, 'w');

KeyRingRecord recordOf(const std::string &source)
{
    return KeyRing::create(MasterKey{Secret(ours), source}).record();
}

} // namespace

class TstDataKey : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_settings = Settings();
        m_settings.dataDir = path("data");
        QVERIFY(QDir().mkdir(QString::fromStdString(m_settings.dataDir)));
    }

    void aKeyThatFitsIsTaken()
    {
        const auto missing = openDataKeys(m_settings, recordOf("environment"));
        QVERIFY(!missing && missing.error().code == missingKeyCode);
        QVERIFY(says(missing, path(".env") + " too, which does not exist"));
        write("MANAGEMENT_TOKEN=x\nENCRYPTION_KEY=" + toBase64(another) + "\nexport ENCRYPTION_KEY='" + toBase64(ours) + "'\n");
        const auto ring = openDataKeys(m_settings, recordOf("environment"));
        QVERIFY2(ring.ok(), ring ? "" : ring.error().message.c_str());
        QCOMPARE(ring->envFile(), path(".env"));
    }

    void aKeyFileIsRelativeToTheEnvFile()
    {
        writeFile(path("own.key"), (toBase64(ours) + "\n").c_str());
        write("ENCRYPTION_KEY_FILE=./own.key\n");
        QVERIFY(openDataKeys(m_settings, recordOf("file")).ok());
        chmod(path("own.key").c_str(), 0644);
        QVERIFY(says(openDataKeys(m_settings, recordOf("file")), "is open to other users"));
        write("ENCRYPTION_KEY_FILE=./own.key\nENCRYPTION_KEY=" + toBase64(ours) + "\n");
        QVERIFY(says(openDataKeys(m_settings, recordOf("file")), "sets both"));
    }

    void anotherKeyIsNotTaken()
    {
        write("ENCRYPTION_KEY=" + toBase64(another) + "\n");
        const auto wrong = openDataKeys(m_settings, recordOf("environment"));
        QVERIFY(says(wrong, "The encryption key is missing: ENCRYPTION_KEY is not set"));
        QVERIFY(says(wrong, path(".env") + " too, which has another key"));
        QVERIFY(wrong.error().message.find(toBase64(another)) == std::string::npos);
        write("ENCRYPTION_KEY=none\n");
        QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), "not base64 of 32 bytes"));
        write("ENCRYPTION_KEY=\n");
        QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), "does not set ENCRYPTION_KEY"));
        write("ENCRYPTION_KEY='" + toBase64(ours) + "\n");
        QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), "was not used: line 1"));
    }

    // Whatever else has a key decides, right or wrong.
    void otherSourcesComeFirst()
    {
        write("ENCRYPTION_KEY=" + toBase64(ours) + "\n");
        writeFile(path("data/encryption.key"), (toBase64(another) + "\n").c_str());
        QVERIFY(!openDataKeys(m_settings, recordOf("environment")).ok());
        m_settings.encryptionKey = Secret(another);
        QVERIFY(!openDataKeys(m_settings, recordOf("environment")).ok());
        m_settings.encryptionKey = Secret(ours);
        const auto ring = openDataKeys(m_settings, recordOf("environment"));
        QVERIFY(ring && ring->envFile().empty());
    }

    void onlyAFileThatIsOursAlone()
    {
        write("ENCRYPTION_KEY=" + toBase64(ours) + "\n");
        for (const mode_t mode : {0620, 0602}) {
            chmod(path(".env").c_str(), mode);
            QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), mode == 0620 ? "can be written by others, so it was not read" : "was not read"));
        }
        chmod(path(".env").c_str(), 0644);
        QVERIFY(openDataKeys(m_settings, recordOf("environment")).ok());
        QVERIFY(QFile::remove(at(".env")) && QDir().mkdir(at(".env")));
        QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), "it is not a regular file"));
    }

    void ofAnotherUser()
    {
        if (geteuid() != 0)
            QSKIP("only root can give a file away");
        write("ENCRYPTION_KEY=" + toBase64(ours) + "\n");
        QCOMPARE(chown(path(".env").c_str(), stranger, stranger), 0);
        QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), "was not read"));
    }

    // Where others could have placed the link, it is not followed; a link of our own is.
    void symbolicLinks()
    {
        writeFile(path("real"), ("ENCRYPTION_KEY=" + toBase64(ours) + "\n").c_str());
        QVERIFY(QFile::link(QStringLiteral("real"), at(".env")));
        QVERIFY(openDataKeys(m_settings, recordOf("environment")).ok());
        chmod(m_folder->path().toStdString().c_str(), 0777);
        QVERIFY(says(openDataKeys(m_settings, recordOf("environment")), "which others can have placed"));
        chmod(m_folder->path().toStdString().c_str(), 0700);
        // The data directory may be a link: its .env is where the link is.
        QVERIFY(QDir().mkdir(at("elsewhere")) && QFile::rename(at("data"), at("elsewhere/data")) && QFile::link(at("elsewhere/data"), at("data")));
        QVERIFY(openDataKeys(m_settings, recordOf("environment")).ok());
    }

    void relativeToTheWorkingDirectory()
    {
        const QString before = QDir::currentPath();
        QVERIFY(QDir::setCurrent(m_folder->path()));
        QCOMPARE(envFileBeside("./data"), QDir::currentPath().toStdString() + "/.env");
        QCOMPARE(envFileBeside("/data"), std::string("/.env"));
        QDir::setCurrent(before);
    }

private:
    std::string path(const std::string &name) const { return m_folder->path().toStdString() + '/' + name; }
    QString at(const std::string &name) const { return QString::fromStdString(path(name)); }
    void write(const std::string &text) const { writeFile(path(".env"), text.c_str()); }
    static bool says(const Result<KeyRing> &result, const std::string &text)
    {
        return !result && result.error().message.find(text) != std::string::npos;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    Settings m_settings;
};

REGISTER_TEST(TstDataKey)
#include "tst_data_key.moc"
