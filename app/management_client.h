// SPDX-License-Identifier: GPL-3.0-only
// The management API as commands see it: the same requests and answers over the control socket of a running
// engine, over HTTP to a server's URL, or to an engine inside this process. Thread: main.
#pragma once

#include "base/result.h"
#include "output.h"
#include "settings_source.h"

#include <QByteArray>
#include <QJsonObject>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace llmproxy {

class EndGuard;
class Engine;
class LogThread;
struct ControlSocket;

struct ApiAnswer
{
    int status = 0;      // 0: no answer; problem says why
    QJsonObject body;
    std::string problem;
    bool forbidden = false; // no answer because the socket is another user's
    size_t bytes = 0;       // of the body as it came
    std::string place = {}; // the data directory that was asked; empty: a server elsewhere

    bool ok() const { return status >= 200 && status < 300; }
    int exitCode() const;
    std::string field() const; // of the error; empty: of none
};

// The answer's error as a sentence on stderr, with the data directory that was asked; its exit code.
int complain(const ApiAnswer &answer);
int complain(const Error &error);

using Query = std::vector<std::pair<std::string, std::string>>;
std::string encodeQuery(const Query &query);

class ManagementClient
{
public:
    virtual ~ManagementClient() = default;
    // Answers within a minute, but for a verification. Thread: any.
    virtual ApiAnswer call(const std::string &method, const std::string &path, const Query &query = {},
                           const QByteArray &body = {}) = 0;
    ApiAnswer call(const std::string &method, const std::string &path, const QJsonObject &body);
    // A long answer, handed on as it comes, until sink says false; it is also asked without bytes, about once a second, whether
    // to go on. The body of an error is in the answer; one that broke off has
    // status 0.
    using Sink = std::function<bool(std::string_view bytes)>;
    virtual ApiAnswer download(const std::string &path, const Query &query, const Sink &sink) = 0;
    // Calls that wait for an answer end within about a second without one, those to come at once. Thread: any.
    virtual void abort() {}
    // Follows the pages; at most `most` items, 0: all. The answer's body holds all items.
    ApiAnswer list(const std::string &path, Query query, int64_t most);
};

std::unique_ptr<ManagementClient> clientOfUrl(const std::string &url, const Settings &settings);
// With another token than the settings'; pin: "sha256//base64" of the public key that alone is believed, empty: issuers are.
std::unique_ptr<ManagementClient> clientOfUrl(const std::string &url, const Settings &settings, const Secret &token, const std::string &pin);
// actor: "cli" or "console". Calls fail without having sent a byte when another user than the one named serves the socket.
std::unique_ptr<ManagementClient> clientOfSocket(const ControlSocket &socket, const std::string &actor = "cli");
std::unique_ptr<ManagementClient> clientOfEngine(Engine &engine, const std::string &actor = "cli");
// Of a connected unix socket: why the user who serves it is not the one expected; empty: nothing is wrong.
std::string distrustOfPeer(int socket, uid_t expected);

// Calls of a command: what they wait for is said after a second, and errors name the data directory. place: empty of a server elsewhere.
std::unique_ptr<ManagementClient> commandsClient(std::unique_ptr<ManagementClient> client, const std::string &waitsFor, const std::string &place);

// Where a command goes.
struct Target
{
    std::string url;   // empty: the data directory
    bool json = false;
};

// Prints the answer, as JSON or as fields, or complains.
int show(const ApiAnswer &answer, const Target &target);
// For what is shown as a table: the code when there is no table to show, because it failed or was printed as JSON.
std::optional<int> shownWithoutTable(const ApiAnswer &answer, const Target &target);
// For an empty list: ExitFailed after a sentence when the project or token of the filter does not exist.
int refuseUnknownIds(ManagementClient &client, const ApiAnswer &answer, const Query &filters);
// Under an empty table, that there is nothing. ExitOk.
int noteIfEmpty(const std::vector<TextRow> &rows, const std::string &things, const Query &filters, const ApiAnswer &answer);
// One row for each of the answer's items.
std::vector<TextRow> rowsOf(const QJsonObject &body, const std::function<TextRow(const QJsonObject &item)> &rowOf);

// A client and what must live as long as it does.
struct OpenClient
{
    LoadedSettings loaded;
    std::unique_ptr<LogThread> log; // of the engine
    std::unique_ptr<EndGuard> guard; // of temporary
    std::string temporary; // a folder that goes with it; empty: none
    bool isEmpty = false; // Access::Checks where nothing is stored
    std::string namedDataDir; // where that is
    std::unique_ptr<Engine> engine; // in-process only
    std::unique_ptr<ManagementClient> client;

    OpenClient();
    ~OpenClient();
};

// For commands that change nothing: a data directory that nobody works with is not created, and a database of an older
// version is not changed. Without an engine that runs, Reads and Checks write nothing there at all: they work with a copy of the
// database in a temporary folder, which no other user can read, and what they look at is not recorded.
enum class Access {
    Creates,  // project create: the data directory, too, and says so
    Changes,  // where nothing is stored, there is nothing to change
    Records, // audit export and verify: what is handed out, and who verified the log, is on record
    Reads,    // list, show, verify
    Checks,   // Reads, for doctor: where nothing is stored yet, the settings are checked with an empty directory elsewhere
};
// For administrative commands. ExitOk, or the code after the sentence is printed.
int openClient(const GlobalOptions &options, const Target &target, OpenClient &opened, Access access = Access::Changes);
int openToRead(const GlobalOptions &options, const Target &target, OpenClient &opened, Access access = Access::Reads);
// The path of a database that can be read without changing it: that of the engine that runs, or a copy. ExitOk, or the code.
int openDatabaseToRead(OpenClient &opened, std::string &path);
// ExitFailed after a sentence: there is no database where the settings say.
int checkNotEmpty(const LoadedSettings &loaded);
// For any command, with settings that are loaded already.
int openLoaded(const Target &target, OpenClient &opened, Access access = Access::Changes);

// Can be an id of ours.
bool isId(const std::string &text);
// Can be an access token of ours: nothing else is put into a variable, or printed as one.
bool isAccessToken(const std::string &text);
// isId(), of what somebody typed; the sentence is printed when not.
bool checkId(const std::string &id);
// http(s)://host[:port], no trailing slash; empty when it is none.
std::string serverUrl(const std::string &text);
// GET url/health without a credential.
// verifies: the certificate; nothing secret is sent.
ApiAnswer askHealth(const std::string &url, const Settings &settings, bool verifies);

} // namespace llmproxy
