// SPDX-License-Identifier: GPL-3.0-only
#include "mount_aliases.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace llmproxy {

namespace {

// \040 for a space, \134 for a backslash.
std::string unescaped(const std::string &word)
{
    const auto isOctal = [&word](size_t at) { return at < word.size() && word[at] >= '0' && word[at] <= '7'; };
    std::string text;
    for (size_t at = 0; at < word.size(); ++at) {
        if (word[at] == '\\' && isOctal(at + 1) && isOctal(at + 2) && isOctal(at + 3)) {
            text.push_back(static_cast<char>((word[at + 1] - '0') * 64 + (word[at + 2] - '0') * 8 + (word[at + 3] - '0')));
            at += 3;
        } else {
            text.push_back(word[at]);
        }
    }
    return text;
}

// "/a" and "/a/b": "/b"; the same: ""; no other: none.
bool restBelow(const std::string &path, const std::string &folder, std::string *rest)
{
    const std::string base = folder == "/" ? std::string() : folder;
    if (!path.starts_with(base) || (path.size() > base.size() && path[base.size()] != '/'))
        return false;
    *rest = path.substr(base.size());
    return true;
}

} // namespace

std::vector<MountedPlace> parseMounts(std::string_view text)
{
    std::vector<MountedPlace> mounts;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string id, parent;
        MountedPlace one;
        if (words >> id >> parent >> one.device >> one.root >> one.point)
            mounts.push_back({one.device, unescaped(one.root), unescaped(one.point)});
    }
    return mounts;
}

std::vector<MountedPlace> mountsHere()
{
    std::ifstream file("/proc/self/mountinfo");
    return parseMounts(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::vector<std::string> aliasesOf(const std::string &path, const std::vector<MountedPlace> &mounts)
{
    const MountedPlace *own = nullptr;
    std::string rest, inside;
    for (const MountedPlace &mount : mounts) { // of those at one point the last covers the others
        if (restBelow(path, mount.point, &rest) && (!own || mount.point.size() >= own->point.size()))
            own = &mount;
    }
    std::vector<std::string> aliases;
    if (!own || !restBelow(path, own->point, &rest))
        return aliases;
    const std::string place = (own->root == "/" ? std::string() : own->root) + rest;
    for (const MountedPlace &mount : mounts) {
        if (mount.device != own->device || !restBelow(place, mount.root, &inside))
            continue;
        const std::string alias = (mount.point == "/" ? std::string() : mount.point) + inside;
        if (alias != path && !alias.empty() && std::find(aliases.begin(), aliases.end(), alias) == aliases.end())
            aliases.push_back(alias);
    }
    return aliases;
}

} // namespace llmproxy
