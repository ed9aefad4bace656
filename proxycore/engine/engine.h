// SPDX-License-Identifier: GPL-3.0-only
// Builds the parts, starts, stops and drains them; the only place that knows them all. Owns the data
// directory (flock) while it lives. Threads: engine-N (front, exchange, upstream), management, storage,
// audit. Its own methods: the thread that made it, but for manage().
#pragma once

#include "base/result.h"
#include "config/settings.h"
#include "manage/api.h"

#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace llmproxy {

struct EngineOptions
{
    bool networkListener = true; // LISTEN_ADDR
    bool controlSocket = true;   // $DATA_DIR/control.sock
    bool needsManagementToken = false; // without one, and without the hash of one, it does not start
    bool demo = false;           // the profile "demo", served from inside
    std::string databaseCopy = {}; // not empty: the engine of a command that only reads, which works with this copy and writes nothing else
    std::string namedDataDir = {}; // not empty: the data directory that was meant, and has no database; the settings' is a temporary one
    SettingsInUse inUse = {};    // where the settings came from; empty: they are shown and saved by their declarations alone
};

inline constexpr std::string_view whyManagementToken = "is not set. --serve needs a management token of at least 32 characters: run `llm-proxy setup`, "
                                                           "or put the output of `openssl rand -base64 32` into .env as its value";
// Whether a server had a management token here, whose hash is stored. Also when that cannot be said before the engine has started.
bool hasStoredManagementToken(const Settings &settings);

class Engine
{
public:
    // settings must outlive the engine.
    Engine(const Settings &settings, EngineOptions options);
    ~Engine(); // requestStop(), waitStopped()
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;

    // ErrorKind::Invalid: a configuration problem (exit 2); others: exit 1, e.g. the directory in use names
    // the owner's pid, a port in use names the address. After an Error nothing runs.
    Outcome start();
    // As LISTEN_ADDR, with the ports that the kernel chose, and of names the addresses that are listened on.
    ListenAddresses listening() const;
    int64_t runningRequests() const; // answers not yet ended, streams among them; any thread
    // Begins to drain: no new requests, running ones get DRAIN_TIMEOUT (30 s).
    void requestStop();
    void waitStopped();
    void reopenLogs(); // SIGHUP
    // In-process management; blocks until the answer. Any thread but the engine's own.
    ManageAnswer manage(ManageRequest request);

private:
    struct Private;
    std::unique_ptr<Private> d;
};

// Before an engine starts with these settings: what saving settings left when its process was killed is finished, or removed.
// True: the saved settings changed, load them again. Takes the data directory's lock for it; without it nothing is done.
bool finishSavedSettings(const Settings &settings);
// Copies the database to a new file, for a command that only reads; no engine can start meanwhile. Error: Conflict: one just did.
Outcome copyDatabaseToRead(const Settings &settings, const std::string &target);
// May this process use the data directory? It is ours or root's, others cannot write it, and a link to it is one that nobody else
// can have placed. Root does not work in another user's directory: what it creates there, that user could not read. With an engine
// running there it may still talk to that. Nothing: it may, or the directory does not exist yet. Error: Invalid.
Outcome checkDataDir(const std::string &dataDir, bool engineRuns = false);
// Who holds the data directory's lock, without taking it.
struct LockOwner
{
    bool held = false;
    long pid = 0;
    std::string socket; // the control socket, when it is not in the data directory
    uid_t user = 0;     // the lock file's owner: who runs the engine
};
// For root also in another user's directory. A lock file of somebody who has no business there counts as none.
LockOwner dataDirOwner(const std::string &dataDir);
// Where the engine that runs there has its control socket: $DATA_DIR/control.sock, or what the lock file says. Whoever wrote the
// lock file chose that path, so a client asks the kernel whether this user serves it before it sends anything (SO_PEERCRED).
struct ControlSocket
{
    std::string path;
    uid_t user = 0;
};
ControlSocket controlSocketOf(const std::string &dataDir);

} // namespace llmproxy
