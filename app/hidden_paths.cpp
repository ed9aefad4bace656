// SPDX-License-Identifier: GPL-3.0-only
#include "hidden_paths.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

bool isInGroup(gid_t group)
{
    if (group == getegid())
        return true;
    std::vector<gid_t> groups(static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
    const int count = getgroups(static_cast<int>(groups.size()), groups.data());
    return count > 0 && std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

// Root's command has no capabilities: for it, root is a user like others.
bool hasRight(const struct stat &folder, mode_t ofOthers)
{
    const unsigned shift = folder.st_uid == geteuid() ? 6 : isInGroup(folder.st_gid) ? 3 : 0;
    return (folder.st_mode & (ofOthers << shift)) != 0;
}

bool maySearch(const struct stat &folder)
{
    return hasRight(folder, S_IXOTH);
}

bool isBelowFolder(const std::string &path, const std::string &folder)
{
    return path == folder || folder == "/" || (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

std::string parentOf(const std::string &path)
{
    return std::filesystem::path(path).parent_path().string();
}

} // namespace

std::string reachablePath(const std::string &path)
{
    char resolved[PATH_MAX];
    if (path.empty() || !realpath(path.c_str(), resolved))
        return {};
    const std::string real = resolved;
    for (std::string folder = parentOf(real); true; folder = parentOf(folder)) {
        struct stat about = {};
        if (stat(folder.c_str(), &about) != 0 || (!maySearch(about) && (geteuid() == 0 || access(folder.c_str(), X_OK) != 0))) // access(): ACLs
            return {};
        if (folder == "/")
            return real;
    }
}

bool isClosedToRootsCommand(const std::string &folder)
{
    struct stat about = {};
    return geteuid() == 0 && stat(folder.c_str(), &about) == 0 && !hasRight(about, S_IWOTH);
}

void HiddenPaths::addEntry(std::vector<Entry> &entries, Entry entry)
{
    struct stat about = {};
    entry.inode = stat(entry.path.c_str(), &about) == 0 ? about.st_ino : 0;
    const auto known = std::find_if(entries.begin(), entries.end(), [&](const Entry &one) { return one.path == entry.path; });
    if (known == entries.end())
        entries.push_back(std::move(entry));
    else
        known->isRemade = known->isRemade || entry.isRemade;
}

void HiddenPaths::addPlace(const OwnPlace &place, bool isNamed)
{
    const std::string real = reachablePath(place.path);
    struct stat about = {};
    const bool isThere = !real.empty() && stat(real.c_str(), &about) == 0;
    if (isThere && S_ISDIR(about.st_mode))
        addEntry(m_folders, {real, place.what, isNamed});
    else if (isThere && !S_ISCHR(about.st_mode)) // /dev/null
        addEntry(m_files, {real, place.what, isNamed});
    if (place.kind == OwnPlace::Kind::Files)
        addSiblings(place.path, place.what);
}

void HiddenPaths::addSiblings(const std::string &path, const std::string &what)
{
    std::error_code error;
    const std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string(); // its bytes may be no UTF-8
    const std::string name = std::filesystem::path(absolute).filename().string(), folder = reachablePath(parentOf(absolute));
    if (!folder.empty())
        m_remade.push_back(folder + '/' + name);
    for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
        if (!entry.path().filename().string().starts_with(name))
            continue;
        if (const std::string real = reachablePath(entry.path().string()); !real.empty() && !std::filesystem::is_directory(real, error))
            addEntry(m_files, {real, what, true, true});
    }
}

void HiddenPaths::hideWholeFolders(const std::string &workingDirectory)
{
    const auto isHidden = [this](const std::string &path) { return std::any_of(m_files.begin(), m_files.end(), [&path](const Entry &file) { return file.path == path; }); };
    for (const Entry &file : std::vector<Entry>(m_files)) {
        const std::string folder = parentOf(file.path);
        if (!file.isRemade || covers(folder) || isBelowFolder(workingDirectory, folder))
            continue;
        std::error_code error;
        bool hasOthers = false;
        for (const auto &entry : std::filesystem::directory_iterator(folder, error))
            hasOthers = hasOthers || !isHidden(entry.path().string());
        if (!hasOthers && !error)
            addEntry(m_folders, {folder, file.what, true, true});
    }
}

void HiddenPaths::addAliases(const std::vector<MountedPlace> &mounts)
{
    for (const auto &[entries, isFolder] : {std::pair(&m_folders, true), std::pair(&m_files, false)}) {
        for (const Entry &one : std::vector<Entry>(*entries)) {
            for (const std::string &alias : aliasesOf(one.path, mounts)) {
                struct stat about = {};
                const std::string real = reachablePath(alias);
                if (!real.empty() && stat(real.c_str(), &about) == 0 && about.st_ino == one.inode && S_ISDIR(about.st_mode) == isFolder)
                    addEntry(*entries, {real, one.what, one.isNamed, one.isRemade});
            }
        }
    }
}

std::vector<std::string> HiddenPaths::withOtherNames() const
{
    std::vector<std::string> found;
    for (const std::string &path : files()) {
        struct stat about = {};
        if (stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink > 1)
            found.push_back(path);
    }
    return found;
}

void HiddenPaths::removeMade() const
{
    constexpr mode_t ofBubblewrap = 0444;
    for (const Entry &one : m_files) {
        struct stat about = {};
        const bool isMade = lstat(one.path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_ino != one.inode && about.st_size == 0 && about.st_uid == geteuid() && (about.st_mode & 0777) == ofBubblewrap;
        if (isMade)
            unlink(one.path.c_str());
    }
}

bool HiddenPaths::covers(const std::string &path) const
{
    return std::any_of(m_folders.begin(), m_folders.end(), [&](const Entry &folder) { return isBelowFolder(path, folder.path); });
}

std::string HiddenPaths::folderOf(const std::string &path) const
{
    const auto found = std::find_if(m_folders.begin(), m_folders.end(), [&](const Entry &folder) { return isBelowFolder(path, folder.path); });
    return found == m_folders.end() ? std::string() : found->path + " (" + found->what + ")";
}

std::vector<std::string> HiddenPaths::folders() const
{
    std::vector<std::string> outermost;
    for (const Entry &one : m_folders) {
        const bool isInside = std::any_of(m_folders.begin(), m_folders.end(), [&](const Entry &other) { return other.path != one.path && isBelowFolder(one.path, other.path); });
        if (!isInside)
            outermost.push_back(one.path);
    }
    return outermost;
}

std::vector<std::string> HiddenPaths::files() const
{
    std::vector<std::string> left;
    for (const Entry &one : m_files) {
        if (!covers(one.path))
            left.push_back(one.path);
    }
    return left;
}

std::vector<std::string> HiddenPaths::remade() const
{
    std::vector<std::string> left;
    for (const std::string &beginning : m_remade) {
        if (!covers(parentOf(beginning)))
            left.push_back(beginning);
    }
    return left;
}

std::vector<std::string> HiddenPaths::markedFolders() const
{
    std::vector<std::string> marked;
    const std::vector<std::string> outermost = folders();
    for (const Entry &one : m_folders) {
        if (one.isNamed && std::find(outermost.begin(), outermost.end(), one.path) != outermost.end())
            marked.push_back(one.path);
    }
    return marked;
}

std::string HiddenPaths::summary() const
{
    constexpr size_t most = 6;
    std::vector<std::string> shown;
    const std::vector<std::string> outermost = folders(), single = files();
    for (const Entry &one : m_folders) {
        if (one.isNamed && std::find(outermost.begin(), outermost.end(), one.path) != outermost.end())
            shown.push_back(one.what + " " + one.path);
    }
    for (const Entry &one : m_files) {
        if (one.isNamed && std::find(single.begin(), single.end(), one.path) != single.end())
            shown.push_back(one.what + " " + one.path);
    }
    std::string text;
    for (size_t at = 0; at < std::min(most, shown.size()); ++at)
        text += (at == 0 ? "" : ", ") + shown[at];
    return shown.size() > most ? text + " and " + std::to_string(shown.size() - most) + " more" : text;
}

} // namespace llmproxy
