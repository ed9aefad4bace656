// SPDX-License-Identifier: GPL-3.0-only
// How an engine becomes the owner of its data directory, and what it finishes there that a killed process left.
#include "engine/engine_private.h"

#include "config/saved_settings.h"
#include "engine/data_dir.h"
#include "storage/database_file.h"
#include "storage/management_token.h"

#include <unistd.h>

namespace llmproxy {

namespace {

// Of the owner of the data directory, before it makes a change: later, a draft that was never committed would have a seq below the
// last one's. finishSavedSettings() has seen them before, but for those of a process that died in between.
Outcome settleDrafts(const Settings &settings)
{
    const std::string path = savedSettingsPath(settings.dataDir);
    if (!hasSettingsDrafts(path))
        return {};
    const bool isNew = access(settings.databasePath.c_str(), F_OK) != 0;
    const auto lastChangeSeq = isNew ? std::optional<int64_t>(0) : Database::lastChangeSeqAt(settings.databasePath);
    if (!lastChangeSeq)
        return Error{ErrorKind::Unavailable, "storage", "A settings change was interrupted, and '" + settings.databasePath + "' cannot be read to determine whether it was committed.", "DATABASE_PATH"};
    if (finishSavedSettings(path, *lastChangeSeq))
        return Error{ErrorKind::Unavailable, "settings", "An interrupted settings change has been completed. Start again to apply it.", {}};
    return {};
}

} // namespace

bool finishSavedSettings(const Settings &settings)
{
    const std::string path = savedSettingsPath(settings.dataDir);
    DataLock lock;
    if (!hasSettingsDrafts(path) || checkDataDir(settings.dataDir) || lock.acquire(settings.dataDir))
        return false; // nothing to finish, or it is the running engine's own
    const auto lastChangeSeq = Database::lastChangeSeqAt(settings.databasePath);
    return lastChangeSeq && finishSavedSettings(path, *lastChangeSeq);
}

Outcome copyDatabaseToRead(const Settings &settings, const std::string &target)
{
    const DataReadLock lock(settings.dataDir);
    if (lock.isOwned())
        return Error{ErrorKind::Conflict, "data_dir_in_use", "an engine has just started in " + settings.dataDir + "; try again", "DATA_DIR"};
    return copyDatabase(settings.databasePath, target);
}

// Nothing is created before it is clear that directory and database are ours.
Outcome Engine::Private::ownDataDir()
{
    if (Outcome failure = checkDataDir(settings.dataDir))
        return failure;
    if (!options.databaseCopy.empty())
        return {};
    const auto found = Database::lookAt(settings.databasePath);
    if (!found)
        return found.error();
    if (*found == Database::State::Other)
        return notOurDatabase(settings.databasePath);
    if (Outcome failure = makeDataDir(settings.dataDir))
        return failure;
    if (Outcome failure = lock.acquire(settings.dataDir))
        return failure;
    closeToGroup(settings.dataDir);
    if (Outcome failure = settleDrafts(settings))
        return failure;
    if (!options.controlSocket)
        return {};
    auto place = placeForSocket(settings.dataDir);
    if (!place)
        return place.error();
    socketPath = std::move(*place);
    return socketPath.ends_with("/control.sock") ? Outcome() : lock.nameSocket(socketPath);
}

bool hasStoredManagementToken(const Settings &settings)
{
    if (checkDataDir(settings.dataDir) || dataDirOwner(settings.dataDir).held)
        return true; // the start says why it cannot be
    const auto state = Database::lookAt(settings.databasePath);
    if (state && *state == Database::State::Current)
        return !Database(DatabaseConfig{settings.databasePath}).storedManagementToken().sha256Hex.empty();
    return state && *state == Database::State::Older;
}

} // namespace llmproxy
