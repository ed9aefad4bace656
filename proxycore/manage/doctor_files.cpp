// SPDX-License-Identifier: GPL-3.0-only
// Doctor's checks of files: which ones are used, who else may read them, whether git tracks them.
#include "base/absolute_path.h"
#include "config/env_register.h"
#include "config/saved_settings.h"
#include "config/settings.h"
#include "manage/doctor_checks.h"
#include "secrets/key_ring.h"
#include "storage/database.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>

#include <algorithm>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// "data folder /srv/data 0755" when others may do more than allowed; empty when good or absent.
std::string looseness(const char *what, const std::string &path, unsigned allowed)
{
    struct stat info{};
    if (path.empty() || ::stat(path.c_str(), &info) != 0 || (info.st_mode & 0777 & ~allowed) == 0)
        return {};
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", info.st_mode & 0777U);
    return std::string(what) + " " + path + " " + mode;
}

// What a user that is not root is given by Kubernetes and systemd is root's, and its group may read it.
unsigned modeOfMounted(const std::string &path)
{
    struct stat info{};
    return geteuid() != 0 && ::stat(path.c_str(), &info) == 0 && info.st_uid == 0 ? 0640 : 0600;
}

// Of the rotated files of the audit log the one that is most open.
std::string loosenessOfRotated(const Settings &settings)
{
    std::string loosest;
    if (settings.auditLogFile.empty())
        return loosest;
    const QFileInfo main(QString::fromStdString(settings.auditLogFile));
    const QString name = main.fileName();
    const QStringList rotated = main.dir().entryList({name + QLatin1String(".*"), name + QLatin1String("-*")}, QDir::Files);
    for (const QString &one : rotated)
        loosest = std::max(loosest, looseness("rotated audit log", main.dir().filePath(one).toStdString(), settings.auditFileMode));
    return loosest;
}

// Every .env that was read for this data directory, also by other starts; absolute, none twice.
std::set<std::string> envFilesOf(const ManageContext &context)
{
    std::set<std::string> files;
    for (const std::string &file : rememberedEnvFiles(context.settings->dataDir))
        files.insert(file);
    for (const std::string &file : {context.settings->envFile, context.keys->envFile()}) {
        if (!file.empty())
            files.insert(absoluteBytes(file));
    }
    return files;
}

QString repositoryOf(QDir folder)
{
    do {
        if (QFileInfo(folder.filePath(QStringLiteral(".git/index"))).isFile())
            return folder.absolutePath();
    } while (folder.cdUp());
    return {};
}

} // namespace

DoctorItem checkInstallation(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    std::string files;
    for (const std::string &file : {settings.envFile, savedSettingsPath(settings.dataDir)}) {
        if (!file.empty() && QFileInfo::exists(QString::fromStdString(file)))
            files += (files.empty() ? "" : ", ") + absolutePath(file);
    }
    const std::string place = context.namedDataDir.empty() ? absolutePath(settings.dataDir) : "There is no database in " + absolutePath(context.namedDataDir);
    return item("installation", "Data directory and settings", place + (files.empty() ? ". No settings files were read." : ". Settings were read from " + files + "."));
}

DoctorItem checkEncryptionKey(const ManageContext &context)
{
    const std::string &source = context.keys->record().keySource;
    const QFileInfo file(QString::fromStdString(context.settings->dataDir + "/encryption.key"));
    const QString folder = QFileInfo(QString::fromStdString(context.settings->dataDir)).canonicalFilePath();
    const bool isInside = QFileInfo(file.canonicalFilePath()).canonicalPath() == folder;
    if (source == "generated" && isInside)
        return item("encryption_key", "Encryption key source", DoctorState::Warn,
                    "Generated, and stored next to the data it protects.",
                    "Move " + file.absoluteFilePath().toStdString() + " to a folder that is not backed up with the data, and put a symbolic link to it in its place.");
    if (source == "generated")
        return item("encryption_key", "Encryption key source", "Generated, and stored outside the data directory.");
    const std::string &envFile = context.keys->envFile();
    return item("encryption_key", "Encryption key source", "From " + settingOfSource(source) + (envFile.empty() ? "." : " in " + envFile + ", beside the data directory."));
}

DoctorItem checkPermissions(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    if (context.isDataGone())
        return item("permissions", "Permissions of data, log and .env", DoctorState::Fail, "The data directory was deleted or replaced while the server runs: " + settings.dataDir,
                    "Put it back; where it is lost, restore a backup and restart the server.");
    std::vector<std::string> loose{
        looseness("data folder", settings.dataDir, 0700), looseness("database", settings.databasePath, 0600),
        looseness("database log", settings.databasePath + "-wal", 0600),
        looseness("generated key file", settings.dataDir + "/encryption.key", 0600),
        looseness("saved settings", savedSettingsPath(settings.dataDir), 0600),
        looseness("list of .env files", envRegisterPath(settings.dataDir), 0600),
        looseness("key file", settings.encryptionKeyFile, modeOfMounted(settings.encryptionKeyFile)),
        looseness("management token file", settings.managementTokenFile, modeOfMounted(settings.managementTokenFile)),
        looseness("webhooks file", settings.alertWebhooksFile, modeOfMounted(settings.alertWebhooksFile)),
        looseness("anchors file", settings.auditAnchorsFile, modeOfMounted(settings.auditAnchorsFile)),
        looseness("audit log", settings.auditLogFile, settings.auditFileMode), loosenessOfRotated(settings),
        looseness("log file", settings.logFile, settings.auditFileMode), looseness(".env", ".env", 0600),
        looseness("TLS private key", settings.tlsKeyFile, 0640)};
    for (const std::string &file : envFilesOf(context)) {
        if (file != absoluteBytes(".env"))
            loose.push_back(looseness("settings file", file, 0600));
    }
    std::erase(loose, std::string());
    if (loose.empty())
        return item("permissions", "Permissions of data, log and .env", "Nobody else can read or write them.");
    std::string found;
    for (const std::string &one : loose)
        found += (found.empty() ? "" : ", ") + one;
    return item("permissions", "Permissions of data, log and .env", DoctorState::Fail, "Too open: " + found,
                "chmod 600 these files, and 700 the data folder.");
}

bool gitIndexHas(std::string_view index, std::string_view path)
{
    // git index format, versions 2 and 3: an entry is "… flags(2) path NUL"; the flags' low 12 bits are the length.
    const std::string needle = std::string(path) + '\0';
    for (size_t at = index.find(needle); at != std::string_view::npos; at = index.find(needle, at + 1)) {
        if (at < 2)
            continue;
        const unsigned flags = static_cast<unsigned>(static_cast<unsigned char>(index[at - 2])) << 8
            | static_cast<unsigned char>(index[at - 1]);
        if ((flags & 0xfff) == path.size())
            return true;
    }
    return false;
}

namespace {

// By the repository that the file lies in.
bool isTracked(const std::string &path)
{
    const QFileInfo file(QString::fromStdString(path));
    const QString top = file.exists() ? repositoryOf(file.dir()) : QString();
    if (top.isEmpty())
        return false;
    QFile index(top + QStringLiteral("/.git/index"));
    const QByteArray bytes = index.open(QIODevice::ReadOnly) ? index.read(64 << 20) : QByteArray();
    return gitIndexHas({bytes.constData(), static_cast<size_t>(bytes.size())}, QDir(top).relativeFilePath(file.absoluteFilePath()).toStdString());
}

} // namespace

DoctorItem checkEnvFileTracked(const ManageContext &context)
{
    const char *title = "Secrets are not in version control";
    const Settings &settings = *context.settings;
    std::vector<std::string> tracked, files{".env", settings.databasePath, settings.dataDir + "/encryption.key", settings.managementTokenFile, settings.auditLogFile};
    const std::set<std::string> envFiles = envFilesOf(context);
    files.insert(files.begin() + 1, envFiles.begin(), envFiles.end());
    for (const std::string &file : files) {
        const std::string path = QFileInfo(QString::fromStdString(file)).absoluteFilePath().toStdString();
        if (!file.empty() && isTracked(path) && std::find(tracked.begin(), tracked.end(), path) == tracked.end())
            tracked.push_back(path);
    }
    if (tracked.empty())
        return item("env_tracked", title, "git tracks neither .env nor the data directory.");
    std::string found;
    for (const std::string &path : tracked)
        found += (found.empty() ? "" : ", ") + path;
    return item("env_tracked", title, DoctorState::Fail, "Tracked by git: " + found + ".",
                "git rm --cached the files, add them to .gitignore, and replace every secret in them.");
}

} // namespace llmproxy
