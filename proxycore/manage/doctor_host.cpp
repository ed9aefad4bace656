// SPDX-License-Identifier: GPL-3.0-only
// Doctor's checks of the machine: files, process, listener, transport, logs.
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/doctor_checks.h"
#include "secrets/key_ring.h"
#include "storage/database.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>

#include <algorithm>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// "data folder 0755" when others may do more than allowed; empty when good or absent.
std::string looseness(const char *what, const std::string &path, unsigned allowed)
{
    struct stat info{};
    if (path.empty() || ::stat(path.c_str(), &info) != 0 || (info.st_mode & 0777 & ~allowed) == 0)
        return {};
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", info.st_mode & 0777U);
    return std::string(what) + " " + mode;
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

// What other machines reach, "0.0.0.0:8080, [::]:8080"; empty: nothing.
std::string forOthers(const ManageContext &context)
{
    const ListenAddresses bound = context.listening ? context.listening() : ListenAddresses();
    return listenText(forOtherMachines(bound.empty() ? context.settings->listen : bound), ", ");
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

DoctorItem checkEncryptionKey(const ManageContext &context)
{
    const std::string &source = context.keys->record().keySource;
    if (source == "generated")
        return item("encryption_key", "Encryption key source", DoctorState::Warn,
                    "It was generated and lies beside the data it protects.",
                    "Give ENCRYPTION_KEY or ENCRYPTION_KEY_FILE from a place of its own.");
    return item("encryption_key", "Encryption key source", "Source: " + source + ".");
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
        looseness("key file", settings.encryptionKeyFile, 0600),
        looseness("audit log", settings.auditLogFile, settings.auditFileMode), loosenessOfRotated(settings),
        looseness("log file", settings.logFile, settings.auditFileMode), looseness(".env", ".env", 0600),
        looseness("TLS private key", settings.tlsKeyFile, 0640)};
    if (settings.envFile != ".env")
        loose.push_back(looseness(settings.envFile.c_str(), settings.envFile, 0600));
    std::erase(loose, std::string());
    if (loose.empty())
        return item("permissions", "Permissions of data, log and .env", "Nobody else can read or write them.");
    std::string found;
    for (const std::string &one : loose)
        found += (found.empty() ? "" : ", ") + one;
    return item("permissions", "Permissions of data, log and .env", DoctorState::Fail, "Too open: " + found,
                "chmod 600 the files and 700 the folder.");
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
    std::vector<std::string> tracked;
    for (const std::string &file : {std::string(".env"), settings.envFile, settings.databasePath, settings.dataDir + "/encryption.key", settings.auditLogFile}) {
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

DoctorItem checkListener(const ManageContext &context)
{
    const std::string others = forOthers(context);
    if (others.empty())
        return item("listener", "Listen address", "Loopback only.");
    if (context.certificateExpiresMs() > 0)
        return item("listener", "Listen address", "Other machines reach " + others + ", over TLS.");
    return item("listener", "Listen address", DoctorState::Fail, "Other machines reach " + others + " without TLS.",
                "Set TLS_CERT_FILE and TLS_KEY_FILE, or listen on 127.0.0.1 behind a TLS reverse proxy.");
}

DoctorItem checkTls(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    if (context.certificateExpiresMs() == 0)
        return item("tls", "TLS", forOthers(context).empty() ? "Off; only this machine reaches the server." : "Off.");
    const int64_t failed = context.failedHandshakes();
    const std::string failures = failed == 0 ? "" : " " + std::to_string(failed) + (failed == 1 ? " handshake has" : " handshakes have") + " failed since the start; the application log says why.";
    if (!settings.tlsCiphers.empty())
        return item("tls", "TLS", DoctorState::Warn, "From " + settings.tlsMinVersion + " on, with ciphers of your own; HSTS is sent." + failures,
                    "Remove TLS_CIPHERS: without it Mozilla's intermediate list is used.");
    return item("tls", "TLS", "From " + settings.tlsMinVersion + " on, Mozilla intermediate ciphers; HSTS is sent." + failures);
}

DoctorItem checkCertificate(const ManageContext &context)
{
    const int64_t expires = context.certificateExpiresMs();
    const char *title = "TLS certificate";
    if (expires == 0)
        return item("certificate", title, "There is none.");
    const int64_t days = (expires - Clock::wallMs()) / 86'400'000;
    const std::string until = "Valid until " + rfc3339(expires) + ".";
    if (expires <= Clock::wallMs())
        return item("certificate", title, DoctorState::Fail, "It has expired. " + until, "Renew it; it is read again by itself.");
    if (days < 14)
        return item("certificate", title, DoctorState::Warn, std::to_string(days) + " days are left. " + until, "Renew it; it is read again by itself.");
    return item("certificate", title, until);
}

DoctorItem checkCors(const ManageContext &context)
{
    const auto &origins = context.settings->corsOrigins;
    if (std::find(origins.begin(), origins.end(), "*") != origins.end())
        return item("cors", "Web pages that may call", DoctorState::Warn, "CORS_ALLOWED_ORIGINS=*: any web page may use a token that it knows.",
                    "List the origins of your own pages.");
    return item("cors", "Web pages that may call", origins.empty() ? "None." : std::to_string(origins.size()) + " origins.");
}

DoctorItem checkAllowedHosts(const ManageContext &context)
{
    const auto &hosts = context.settings->allowedHosts;
    if (std::find(hosts.begin(), hosts.end(), "*") == hosts.end())
        return item("allowed_hosts", "Host names", "Unknown host names are refused.");
    return item("allowed_hosts", "Host names", DoctorState::Warn,
                "ALLOWED_HOSTS=* lets web pages reach this server by DNS rebinding.", "List the names in ALLOWED_HOSTS.");
}

DoctorItem checkClientAddresses(const ManageContext &context)
{
    const char *title = "Client addresses";
    if (context.settings->trustedProxies.empty())
        return item("client_addresses", title, "Those of the connections; TRUSTED_PROXIES is not set.");
    if (!context.sawOtherAddressHeader())
        return item("client_addresses", title, "From CLIENT_ADDRESS_HEADER, where a trusted proxy sends it.");
    return item("client_addresses", title, DoctorState::Warn,
                "A trusted proxy sends client addresses in another header than CLIENT_ADDRESS_HEADER: limits, rules and events see the proxy's address instead.",
                "Set CLIENT_ADDRESS_HEADER to the header that the proxy sets, or have the proxy set that one.");
}

DoctorItem checkUpstreamTransport(const ManageContext &context)
{
    if (!context.settings->allowInsecureUpstream)
        return item("upstream_transport", "Transport to providers", "http:// only to loopback and private addresses.");
    return item("upstream_transport", "Transport to providers", DoctorState::Warn,
                "ALLOW_INSECURE_UPSTREAM=true: keys may travel in clear.", "Use https:// base URLs and remove it.");
}

DoctorItem checkLogLevel(const ManageContext &context)
{
    // A level that is saved takes effect at once.
    const std::string level = context.inUse.apply ? logLevelName(logLevel()) : context.settings->logLevel;
    if (level != "debug")
        return item("log_level", "Log level", level + ".");
    return item("log_level", "Log level", DoctorState::Warn, "debug.", "Set LOG_LEVEL=info.");
}

DoctorItem checkUser(const ManageContext &)
{
    if (geteuid() != 0)
        return item("user", "Process user", "User id " + std::to_string(geteuid()) + ".");
    return item("user", "Process user", DoctorState::Fail, "Running as root.", "Run it as a user of its own.");
}

DoctorItem checkCoreDumps(const ManageContext &)
{
    rlimit limit{};
    getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_cur == 0 || prctl(PR_GET_DUMPABLE) == 0)
        return item("core_dumps", "Core dumps", "Off.");
    return item("core_dumps", "Core dumps", DoctorState::Warn, "A crash may write keys to disk.",
                "ulimit -c 0, or LimitCORE=0 in the service.");
}

} // namespace llmproxy
