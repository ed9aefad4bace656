// SPDX-License-Identifier: GPL-3.0-only
// Where a command's client comes from: the server of --url, the engine that runs in the data directory, or one inside the command.
#include "management_client.h"

#include "base/absolute_path.h"
#include "base/log.h"
#include "base/owned_file.h"
#include "end_guard.h"
#include "engine/engine.h"
#include "output.h"
#include "process.h"
#include "storage/database.h"
#include "waiting_note.h"

#include <QDir>
#include <QJsonObject>

#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

void removeTemporary(const std::string &path)
{
    QDir(fromText(path)).removeRecursively();
}

} // namespace

OpenClient::OpenClient() = default;

OpenClient::~OpenClient()
{
    client.reset();
    if (engine) {
        engine->requestStop();
        engine->waitStopped();
        engine.reset();
    }
    if (!temporary.empty())
        removeTemporary(temporary);
    if (guard)
        guard->release();
}

namespace {

int openServer(const std::string &given, OpenClient &opened)
{
    const std::string url = serverUrl(given);
    if (url.empty())
        return complain(ExitUsage, "--url: not an address of a server; write http://host:port or https://host");
    if (opened.loaded.settings.managementToken.isEmpty())
        return complain(ExitUsage, "MANAGEMENT_TOKEN is not set: --url needs the server's management token, from the "
                                   "environment or .env, or in the file that MANAGEMENT_TOKEN_FILE names");
    opened.client = commandsClient(clientOfUrl(url, opened.loaded.settings), url, {});
    return ExitOk;
}

class NothingClient : public ManagementClient
{
public:
    explicit NothingClient(std::string sentence) : m_sentence(std::move(sentence)) {}

    using ManagementClient::call;
    ApiAnswer call(const std::string &, const std::string &, const Query &, const QByteArray &) override { return none(); }
    ApiAnswer download(const std::string &, const Query &, const Sink &) override { return none(); }

private:
    ApiAnswer none() const
    {
        const QJsonObject error{{QLatin1String("code"), QLatin1String("not_found")}, {QLatin1String("message"), fromText(m_sentence)}};
        return {404, QJsonObject{{QLatin1String("error"), error}}, {}, false};
    }
    const std::string m_sentence;
};

// Where it was looked for, and why there: most often the command was started in the wrong folder.
std::string nothingAt(const LoadedSettings &loaded)
{
    const auto origin = loaded.origin.find("DATA_DIR");
    const bool isDefault = origin == loaded.origin.end() || origin->second == "default";
    return "there is no database at " + loaded.settings.databasePath + ". "
           + (isDefault ? "DATA_DIR is not set, and ./data has no database either; start the command in the server's folder or name the data directory with --data-dir"
                        : "The data directory was taken from " + (origin->second == "flag" ? std::string("--data-dir") : origin->second == "environment" ? std::string("DATA_DIR in the environment") : "DATA_DIR in " + origin->second))
           + ". To create a new one, run llm-proxy --serve or llm-proxy project create";
}

// One that is gone also when this process is killed.
int makeTemporary(OpenClient &opened)
{
    opened.guard = std::make_unique<EndGuard>(removeTemporary);
    std::string folder = QDir::tempPath().toStdString() + "/llm-proxy-check-XXXXXX";
    if (!mkdtemp(folder.data()))
        return complain(ExitFailed, "no temporary folder can be made in " + QDir::tempPath().toStdString());
    opened.temporary = folder;
    opened.guard->protect(folder);
    return ExitOk;
}

int useEmptyDirectory(Settings &settings, OpenClient &opened)
{
    if (const int code = makeTemporary(opened))
        return code;
    opened.namedDataDir = settings.dataDir;
    const std::string &folder = opened.temporary;
    note(nothingAt(opened.loaded) + ". The settings are checked without one");
    opened.isEmpty = true;
    settings.dataDir = folder;
    settings.databasePath = folder + "/llm-proxy.db";
    settings.auditLogFile = settings.auditLogFile.empty() ? std::string() : folder + "/audit.log";
    return ExitOk;
}

int copyToRead(OpenClient &opened, std::string &path)
{
    if (const int code = makeTemporary(opened))
        return code;
    path = opened.temporary + "/llm-proxy.db";
    const WaitingNote waiting("a copy of the database " + opened.loaded.settings.databasePath);
    const Outcome failure = copyDatabaseToRead(opened.loaded.settings, path);
    return failure ? complain(ExitFailed, failure->message) : ExitOk;
}

// A log with events is begun after the database, which is therefore elsewhere, or lost.
bool isInUseElsewhere(const Settings &settings)
{
    std::string problem;
    const int log = openOwned(settings.dataDir + "/audit.log", O_RDONLY, 0, &problem);
    struct stat about{};
    const bool hasEvents = log >= 0 && fstat(log, &about) == 0 && lastWholeLine(log, about.st_size).find("\"seq\":") != std::string::npos;
    if (log >= 0)
        close(log);
    return hasEvents;
}

// Said before: a second installation, whose key opens nothing of the first, is not made in silence.
void noteNew(const Settings &settings)
{
    const bool makesKey = settings.encryptionKey.isEmpty() && settings.encryptionKeyFile.empty();
    note("creating a new database at " + settings.databasePath + (makesKey ? ", with the encryption key " + settings.dataDir + "/encryption.key" : std::string()));
}

// ExitOk: the directory can be opened by this command, or a client of nothing is opened.
int lookBefore(const Result<Database::State> &found, Settings &settings, OpenClient &opened, Access access)
{
    if (access == Access::Creates) {
        if (!found || *found != Database::State::None)
            return ExitOk; // what cannot be opened is refused there
        if (isInUseElsewhere(settings))
            return complain(ExitFailed, "the data directory " + settings.dataDir + " has an audit log, but there is no database at " + settings.databasePath
                                            + ". Give the DATABASE_PATH of the server that uses it; no second database was created");
        noteNew(settings);
        return ExitOk;
    }
    if (!found && access == Access::Changes)
        return ExitOk; // refused where it would be opened
    if (!found)
        return complain(found.error());
    if (*found == Database::State::None && access == Access::Checks)
        return useEmptyDirectory(settings, opened);
    if (*found == Database::State::None)
        opened.client = std::make_unique<NothingClient>(nothingAt(opened.loaded));
    if (*found == Database::State::Older && access != Access::Changes)
        return complain(ExitFailed, "the database '" + settings.databasePath + "' is of an older version, and this command changes nothing; start llm-proxy --serve "
                                    "or the console once, which updates it after a backup copy");
    return ExitOk; // another program's: refused where it would be opened
}

// Another command may hold the data directory.
Outcome startSlowly(Engine &engine, const std::string &place)
{
    const WaitingNote waiting("the data directory " + place);
    return engine.start();
}

class CommandsClient : public ManagementClient
{
public:
    CommandsClient(std::unique_ptr<ManagementClient> client, std::string waitsFor, std::string place)
        : m_client(std::move(client)), m_waitsFor(std::move(waitsFor)), m_place(std::move(place))
    {
    }

    using ManagementClient::call;
    ApiAnswer call(const std::string &method, const std::string &path, const Query &query, const QByteArray &body) override
    {
        const bool hasProgress = path == "/manage/audit/verify"; // a line of its own
        std::optional<WaitingNote> waiting;
        if (!hasProgress)
            waiting.emplace(m_waitsFor);
        return placed(m_client->call(method, path, query, body));
    }
    ApiAnswer download(const std::string &path, const Query &query, const Sink &sink) override { return placed(m_client->download(path, query, sink)); }
    void abort() override { m_client->abort(); }

private:
    ApiAnswer placed(ApiAnswer answer) const
    {
        answer.place = m_place;
        return answer;
    }
    const std::unique_ptr<ManagementClient> m_client;
    const std::string m_waitsFor, m_place;
};

} // namespace

std::unique_ptr<ManagementClient> commandsClient(std::unique_ptr<ManagementClient> client, const std::string &waitsFor, const std::string &place)
{
    return std::make_unique<CommandsClient>(std::move(client), waitsFor, place);
}

int checkNotEmpty(const LoadedSettings &loaded)
{
    const auto found = Database::lookAt(loaded.settings.databasePath);
    return found && *found == Database::State::None ? complain(ExitFailed, nothingAt(loaded)) : int{ExitOk};
}

int openLoaded(const Target &target, OpenClient &opened, Access access)
{
    if (!target.url.empty())
        return openServer(target.url, opened);
    Settings &settings = opened.loaded.settings;
    const LockOwner owner = dataDirOwner(settings.dataDir);
    if (const Outcome error = checkDataDir(settings.dataDir, owner.held))
        return complain(*error);
    if (owner.held) {
        const std::string place = absolutePath(settings.dataDir);
        opened.client = commandsClient(clientOfSocket(controlSocketOf(settings.dataDir)), "the server of the data directory " + place + " (process " + std::to_string(owner.pid) + ")", place);
        return ExitOk;
    }
    if (!settings.auditEnabled)
        note("warning: auditing is off (AUDIT_ENABLED=false), so this is not recorded");
    EngineOptions options;
    options.networkListener = false;
    options.controlSocket = false;
    const auto found = Database::lookAt(settings.databasePath);
    int code = lookBefore(found, settings, opened, access);
    if (code != ExitOk || opened.client)
        return code;
    options.namedDataDir = opened.namedDataDir;
    const bool copies = (access == Access::Reads || access == Access::Checks) && *found == Database::State::Current;
    if (copies && (code = copyToRead(opened, options.databaseCopy)) != ExitOk)
        return code;
    forbidCoreDumps();
    opened.log = std::make_unique<LogThread>();
    if (options.databaseCopy.empty() ? !openCommandLog(settings) : !openReadersLog(settings))
        return ExitUsage;
    opened.engine = std::make_unique<Engine>(settings, options);
    const std::string place = absolutePath(settings.dataDir);
    if (const Outcome error = startSlowly(*opened.engine, place)) {
        opened.engine.reset();
        return complain(*error);
    }
    opened.client = commandsClient(clientOfEngine(*opened.engine), "the data directory " + place, opened.isEmpty ? std::string() : place);
    return ExitOk;
}

namespace {

// For a server elsewhere, what is saved in the data directory here does not matter.
SettingSources sourcesFor(const GlobalOptions &options, const Target &target, Access access)
{
    SettingSources sources = settingSources(options, EnvFilePolicy::WorkingDirectory, false);
    if (access == Access::Checks && target.url.empty())
        addNameLookUp(sources);
    if (!target.url.empty())
        sources.saved = SettingTexts();
    return sources;
}

} // namespace

int openClient(const GlobalOptions &options, const Target &target, OpenClient &opened, Access access)
{
    const SettingSources sources = sourcesFor(options, target, access);
    if (target.url.empty() ? !loadOrComplain(sources, opened.loaded) : !loadToRead(sources, opened.loaded))
        return ExitUsage;
    return openLoaded(target, opened, access);
}

int openToRead(const GlobalOptions &options, const Target &target, OpenClient &opened, Access access)
{
    if (!loadToRead(sourcesFor(options, target, access), opened.loaded))
        return ExitUsage;
    return openLoaded(target, opened, access);
}

int openDatabaseToRead(OpenClient &opened, std::string &path)
{
    const Settings &settings = opened.loaded.settings;
    path = settings.databasePath;
    const bool engineRuns = dataDirOwner(settings.dataDir).held;
    if (const Outcome error = checkDataDir(settings.dataDir, engineRuns))
        return complain(*error);
    const auto found = Database::lookAt(path);
    if (engineRuns || !found || (*found != Database::State::Current && *found != Database::State::Older))
        return ExitOk; // what is not ours is refused where it would be opened
    return copyToRead(opened, path);
}

} // namespace llmproxy
