// SPDX-License-Identifier: GPL-3.0-only
#include "base/accounts.h"

#include <array>
#include <cerrno>
#include <grp.h>
#include <mutex>
#include <optional>
#include <pwd.h>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace llmproxy {

namespace {

constexpr size_t mostEntryBytes = 64 * 1024; // a group with many members; a longer one is nobody's own

struct Account
{
    std::string name;
    gid_t group = 0;
};

std::optional<Account> accountOf(uid_t user)
{
    std::array<char, 4096> texts{};
    passwd entry{};
    passwd *found = nullptr;
    getpwuid_r(user, &entry, texts.data(), texts.size(), &found);
    if (!found)
        return {};
    return Account{found->pw_name, found->pw_gid};
}

bool isNamedAndListsOnly(gid_t id, std::string_view name)
{
    std::vector<char> texts(mostEntryBytes);
    group entry{};
    group *found = nullptr;
    getgrgid_r(id, &entry, texts.data(), texts.size(), &found);
    if (!found || found->gr_name != name)
        return false;
    for (char **member = found->gr_mem; *member; ++member) {
        if (*member != name)
            return false;
    }
    return true;
}

bool isPrimaryOfOthers(gid_t group, uid_t user)
{
    static std::mutex lock; // the position in the list is the process's
    const std::lock_guard guard(lock);
    std::array<char, 4096> texts{};
    passwd entry{};
    passwd *found = nullptr;
    bool isOthers = false;
    setpwent();
    int error = 0;
    while (!isOthers && (error = getpwent_r(&entry, texts.data(), texts.size(), &found)) == 0)
        isOthers = found->pw_gid == group && found->pw_uid != user;
    endpwent();
    return isOthers || error != ENOENT; // else there may be others that were not seen
}

} // namespace

std::string userText(uid_t user)
{
    const auto account = accountOf(user);
    return "the user " + (account ? account->name : std::to_string(user));
}

std::string runAsText(uid_t user, gid_t group)
{
    if (const auto account = accountOf(user))
        return "runuser -u " + account->name + " --";
    return "setpriv --reuid=" + std::to_string(user) + " --regid=" + std::to_string(group) + " --clear-groups";
}

bool isPrivateGroup(gid_t group)
{
    const uid_t user = geteuid();
    const auto account = accountOf(user);
    return account && account->group == group && isNamedAndListsOnly(group, account->name) && !isPrimaryOfOthers(group, user);
}

} // namespace llmproxy
