// SPDX-License-Identifier: GPL-3.0-only
#include "engine/data_dir.h"

#include "base/absolute_path.h"
#include "base/accounts.h"
#include "base/log.h"
#include "base/owned_file.h"
#include "base/sha256.h"
#include "config/env_register.h"
#include "config/hidden_by_run.h"
#include "config/saved_settings.h"
#include "engine/engine.h"
#include "front/listener.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace llmproxy {

namespace {

constexpr char systemRunDir[] = "/run/llm-proxy";

Error unusable(const std::string &dataDir, const std::string &why, ErrorKind kind = ErrorKind::Invalid)
{
    return {kind, "data_dir", "DATA_DIR: the data directory " + absolutePath(dataDir) + " cannot be used: " + why, "DATA_DIR"};
}

std::vector<std::string> otherSocketFolders()
{
    std::vector<std::string> folders;
    const char *runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime && *runtime == '/')
        folders.emplace_back(runtime);
    if (geteuid() != 0 || mkdir(systemRunDir, 0755) == 0 || errno == EEXIST)
        folders.emplace_back(systemRunDir);
    folders.emplace_back("/tmp"); // a long path of a user without a session
    return folders;
}

// Nobody else can put a socket in the place of ours there.
bool isSafeForSocket(const std::string &folder)
{
    struct stat info{};
    std::string problem;
    return lookAtOwnedFolder(folder, &info, &problem) && (info.st_uid == geteuid() || info.st_uid == 0)
           && ((info.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (info.st_mode & S_ISVTX) != 0);
}

} // namespace

Outcome checkDataDir(const std::string &dataDir, bool engineRuns)
{
    if (const std::string why = whyHiddenByRun(dataDir); !why.empty())
        return Error{ErrorKind::Forbidden, "hidden_by_run", why, "DATA_DIR"};
    struct stat folder{};
    std::string problem;
    if (!lookAtOwnedFolder(dataDir, &folder, &problem))
        return errno == ENOENT ? Outcome() : unusable(dataDir, problem);
    const bool isRoot = geteuid() == 0;
    if (isRoot && folder.st_uid != 0 && !engineRuns)
        return unusable(dataDir, "it belongs to " + userText(folder.st_uid) + ", and root would leave files there which that user cannot use; run: "
                                     + runAsText(folder.st_uid, folder.st_gid) + " llm-proxy …", ErrorKind::Forbidden);
    const bool isOpenToUs = folder.st_uid == 0 && access(dataDir.c_str(), R_OK | W_OK | X_OK) == 0; // a volume of Kubernetes
    if (!isRoot && folder.st_uid != geteuid() && !isOpenToUs)
        return unusable(dataDir, "it belongs to " + userText(folder.st_uid), ErrorKind::Forbidden);
    if ((folder.st_mode & S_IWOTH) != 0)
        return unusable(dataDir, "other users can write it; run: chmod o-w '" + dataDir + "'");
    return {};
}

Outcome makeDataDir(const std::string &dataDir)
{
    // In a folder that everybody may write, as /tmp, somebody else can have been faster: looked at again when it is there for certain.
    for (size_t at = dataDir.find('/', 1); ; at = dataDir.find('/', at + 1)) {
        const std::string part = dataDir.substr(0, at);
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return Error{ErrorKind::Unavailable, "data_dir", "cannot create the folder " + part + ": " + std::strerror(errno), "DATA_DIR"};
        if (at == std::string::npos)
            break;
    }
    if (Outcome failure = checkDataDir(dataDir))
        return failure;
    struct stat folder{};
    if (stat(dataDir.c_str(), &folder) == 0 && (folder.st_mode & S_IWGRP) != 0) // as volumes of Kubernetes are
        logWarn("the data directory can be written by its group; chmod g-w where the members of that group are not all trusted", {{"path", dataDir}});
    return {};
}

void closeToGroup(const std::string &dataDir)
{
    constexpr mode_t groups = S_IRWXG, others = S_IRWXO;
    for (const std::string &path : {dataDir + "/encryption.key", savedSettingsPath(dataDir), envRegisterPath(dataDir)}) {
        std::string problem;
        const int file = openOwned(path, O_RDONLY, 0, &problem);
        struct stat info{};
        // Where others may do something too, it was no volume's mount: the key is refused then.
        if (file >= 0 && fstat(file, &info) == 0 && (info.st_mode & groups) != 0 && (info.st_mode & others) == 0) {
            const bool isClosed = fchmod(file, 0600) == 0;
            logWarn(isClosed ? "the file was open to its group and is not any more; its mode is 0600 again"
                             : "the file is open to its group; its owner should run chmod 600 on it", {{"path", path}});
        }
        if (file >= 0)
            close(file);
    }
}

Result<std::string> placeForSocket(const std::string &dataDir)
{
    char *resolved = realpath(dataDir.c_str(), nullptr);
    const std::string absolute = resolved ? resolved : dataDir;
    free(resolved);
    std::string problem;
    const std::string usual = absolute + "/control.sock";
    if (takesSocket(usual, &problem))
        return usual;
    // One name per directory, wherever it is called from.
    const std::string name = "/llm-proxy-" + Sha256Hex().hash(absolute).substr(0, 16) + ".sock";
    for (const std::string &folder : otherSocketFolders()) {
        std::string ignored;
        if (isSafeForSocket(folder) && takesSocket(folder + name, &ignored))
            return folder + name;
    }
    return Error{ErrorKind::Unavailable, "data_dir", "the control socket cannot be opened: " + problem + "; neither $XDG_RUNTIME_DIR nor " + systemRunDir
                 + " can hold it either", "DATA_DIR"};
}

} // namespace llmproxy
