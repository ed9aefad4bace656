// SPDX-License-Identifier: GPL-3.0-only
// Doctor's checks of the machine: files, process, listener, transport, logs.
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/doctor_checks.h"
#include "manage/chain_watch.h"
#include "manage/resources.h"
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

DoctorItem item(const char *id, const char *title, std::string evidence)
{
    DoctorItem made;
    made.id = id;
    made.title = title;
    made.evidence = std::move(evidence);
    return made;
}

DoctorItem item(const char *id, const char *title, DoctorState state, std::string evidence, std::string fix)
{
    DoctorItem made = item(id, title, std::move(evidence));
    made.state = state;
    made.fix = std::move(fix);
    return made;
}

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

bool isLoopback(const std::string &host)
{
    const auto address = IpAddress::parse(host);
    return host == "localhost" || (address && address->isLoopback());
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
        looseness("audit log", settings.auditLogFile, settings.auditFileMode),
        looseness("log file", settings.logFile, settings.auditFileMode), looseness(".env", ".env", 0600)};
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

DoctorItem checkEnvFileTracked(const ManageContext &)
{
    const char *title = ".env is not in version control";
    if (!QFileInfo::exists(QStringLiteral(".env")))
        return item("env_tracked", title, "There is no .env in the working directory.");
    const QString top = repositoryOf(QDir::current());
    if (top.isEmpty())
        return item("env_tracked", title, "The working directory is no git tree.");
    QFile index(top + QStringLiteral("/.git/index"));
    const QByteArray bytes = index.open(QIODevice::ReadOnly) ? index.read(64 << 20) : QByteArray();
    const std::string path = QDir(top).relativeFilePath(QFileInfo(QStringLiteral(".env")).absoluteFilePath()).toStdString();
    if (gitIndexHas({bytes.constData(), static_cast<size_t>(bytes.size())}, path))
        return item("env_tracked", title, DoctorState::Fail, ".env is tracked by git.",
                    "git rm --cached .env, add it to .gitignore, and replace every secret in it.");
    return item("env_tracked", title, "git does not track it.");
}

DoctorItem checkListener(const ManageContext &context)
{
    if (isLoopback(context.settings->listen.host))
        return item("listener", "Listen address", "Loopback only.");
    if (context.certificateExpiresMs() > 0)
        return item("listener", "Listen address", "Other machines reach it, over TLS.");
    return item("listener", "Listen address", DoctorState::Fail, "Other machines reach it without TLS.",
                "Set TLS_CERT_FILE and TLS_KEY_FILE, or listen on 127.0.0.1 behind a TLS reverse proxy.");
}

DoctorItem checkTls(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    if (context.certificateExpiresMs() == 0)
        return item("tls", "TLS", isLoopback(settings.listen.host) ? "Off; only this machine reaches the server." : "Off.");
    if (!settings.tlsCiphers.empty())
        return item("tls", "TLS", DoctorState::Warn, "From " + settings.tlsMinVersion + " on, with ciphers of your own; HSTS is sent.",
                    "Remove TLS_CIPHERS: without it Mozilla's intermediate list is used.");
    return item("tls", "TLS", "From " + settings.tlsMinVersion + " on, Mozilla intermediate ciphers; HSTS is sent.");
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

DoctorItem checkAudit(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    const char *title = "Audit log";
    if (!settings.auditEnabled)
        return item("audit", title, DoctorState::Fail, "Auditing is off.", "Set AUDIT_ENABLED=true.");
    if (const std::string trouble = context.audit->fileTrouble(); !trouble.empty())
        return item("audit", title, DoctorState::Fail, trouble, "Put the file back, or move what stands in its place away; then review the log.");
    if (!context.audit->healthy() && context.audit->takesRequests() && settings.auditRefuseOnError)
        return item("audit", title, DoctorState::Fail, "The audit log's file cannot be written. Requests go on, recorded in the table alone; changes are refused.",
                    "Look at the application log; free space on the disk of " + settings.auditLogFile + ".");
    if (!context.audit->healthy())
        return item("audit", title, DoctorState::Fail, "Events cannot be written.",
                    "Look at the application log; free space on the disk.");
    if (const std::string finding = unreviewedFinding(context); !finding.empty())
        return item("audit", title, DoctorState::Fail, finding, "Find out who did that, and record that you looked: llm-proxy audit review --note \"…\".");
    const TableState table = context.database->tableState();
    if (settings.auditStoreInDb && !table.obstacle.empty())
        return item("audit", title, DoctorState::Fail, "The table has events up to " + std::to_string(table.rowsTo) + ", and the next ones are in a file of the log: " + table.obstacle,
                    "Put the file right, and the table goes on within ten seconds. Or go on without what it holds: llm-proxy audit review --note \"…\".");
    if (settings.auditStoreInDb && table.isBehind)
        return item("audit", title, DoctorState::Warn,
                    (table.isLocked ? "Another process locks the database: the table" : "The table") + std::string(" has events up to ") + std::to_string(table.rowsTo)
                        + ", the log up to " + std::to_string(context.audit->lastSeq()) + ".",
                    table.isLocked ? "Close the program that has the database open." : "Wait until it has caught up; if it does not, look at the application log.");
    if (settings.auditFsync == "never")
        return item("audit", title, DoctorState::Fail, "AUDIT_FSYNC=never: a power cut loses events.",
                    "Set AUDIT_FSYNC=management.");
    if (!settings.auditRefuseOnError)
        return item("audit", title, DoctorState::Warn, "AUDIT_ON_ERROR=log: calls go on when events cannot be written.",
                    "Set AUDIT_ON_ERROR=refuse.");
    return item("audit", title, "On and writable; last event " + std::to_string(context.audit->lastSeq()) + ".");
}

DoctorItem checkAuditChain(const ManageContext &context)
{
    const char *title = "Audit log's chain";
    if (!context.settings->auditEnabled)
        return item("audit_chain", title, "There is no audit log to verify: auditing is off.");
    const auto mark = context.chain->last();
    if (!mark)
        return item("audit_chain", title, DoctorState::Warn, "It has not been verified since the start.", "Wait until the verification has ended, or run: llm-proxy audit verify.");
    const std::string whole = mark->wholeMs > 0 ? "; all of it was last verified at " + rfc3339(mark->wholeMs) + "." : "; llm-proxy audit verify verifies all of it.";
    const std::string evidence = "Verified up to event " + std::to_string(mark->seq) + " at " + rfc3339(mark->verifiedMs) + whole;
    if (mark->problem.empty())
        return item("audit_chain", title, evidence);
    const std::string problem = "Found at " + rfc3339(mark->problemMs) + ": " + mark->problem;
    if (lastAuditReviewMs(context) >= mark->problemMs)
        return item("audit_chain", title, evidence + " " + problem + " That was reviewed.");
    return item("audit_chain", title, DoctorState::Fail, problem, "See all of it with: llm-proxy audit verify. Find out who did that, and record that you looked: llm-proxy audit review --note \"…\".");
}

DoctorItem checkAuditAnchors(const ManageContext &context)
{
    const char *title = "Checkpoints outside this machine";
    if (context.settings->auditAnchors.empty())
        return item("audit_anchors", title, "AUDIT_ANCHORS is not set: whoever can write file and table could cut both at a checkpoint.");
    std::string evidence, problems;
    for (const DeliveryStatus &one : context.anchorStatus()) {
        evidence += one.target + ": " + std::to_string(one.delivered) + " delivered, " + std::to_string(one.waiting) + " waiting. ";
        if (!one.problem.empty())
            problems += one.target + " is not reached: " + one.problem + ". ";
    }
    struct stat log{}, anchor{};
    for (const OutsideTarget &target : context.settings->auditAnchors) {
        if (target.kind == OutsideTarget::Kind::File && !context.settings->auditLogFile.empty() && stat(context.settings->auditLogFile.c_str(), &log) == 0
            && stat(target.path().c_str(), &anchor) == 0 && log.st_dev == anchor.st_dev)
            problems += target.shown + " is on the same file system as the log. ";
    }
    if (!problems.empty())
        return item("audit_anchors", title, DoctorState::Warn, problems + evidence, "Mend the target, or name another one in AUDIT_ANCHORS.");
    return item("audit_anchors", title, evidence);
}

DoctorItem checkAuditRetention(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    const char *title = "How long audit events are kept";
    constexpr int64_t leastMs = 90 * dayMs;
    const auto isShort = [](int64_t ms) { return ms > 0 && ms < leastMs; };
    if (const int64_t forMs = context.audit->keepsOldForMs(); forMs > 0)
        return item("audit_retention", title, DoctorState::Warn,
                    "The clock was more than 48 hours ahead of the newest event at the start; nothing is removed for another " + std::to_string(forMs / hourMs + 1) + " hours.",
                    "Check the clock. If it is right: llm-proxy audit cleanup --older-than 90d.");
    if (isShort(settings.auditRetentionMs) || isShort(settings.auditFileRetentionMs))
        return item("audit_retention", title, DoctorState::Warn, "Less than 90 days, which is the least that rules of compliance ask for.",
                    "Set AUDIT_RETENTION and AUDIT_FILE_RETENTION to 90d or more; a year is better.");
    return item("audit_retention", title, "90 days or longer.");
}

DoctorItem checkAuditReview(const ManageContext &context)
{
    const char *title = "Last look at the audit log";
    if (!context.settings->auditEnabled || !context.settings->auditStoreInDb)
        return item("audit_review", title, "There is no table to look at.");
    const int64_t reviewedMs = lastAuditReviewMs(context);
    AuditQuery first;
    first.oldestFirst = true;
    first.limit = 1;
    const auto events = context.database->auditEvents(first);
    const int64_t sinceMs = reviewedMs > 0 ? reviewedMs : events && !events->empty() ? events->front().timestampMs : Clock::wallMs();
    const int64_t days = (Clock::wallMs() - sinceMs) / dayMs;
    const std::string last = reviewedMs > 0 ? "Last review: " + rfc3339(reviewedMs) + "." : std::string("Nobody has reviewed it yet.");
    if (days > 30)
        return item("audit_review", title, DoctorState::Warn, last + " That is " + std::to_string(days) + " days of events.",
                    "Look through it and record that: llm-proxy audit review --note \"…\".");
    return item("audit_review", title, last);
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
