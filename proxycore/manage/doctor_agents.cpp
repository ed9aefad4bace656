// SPDX-License-Identifier: GPL-3.0-only
#include "manage/doctor_agents.h"

#include <QFile>

#include <algorithm>
#include <cstdlib>
#include <pwd.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr uid_t firstDynamicUser = 61184, lastDynamicUser = 65519; // systemd.exec(5), DynamicUser=
constexpr size_t largestAccount = 64 << 10; // bytes of one entry of the user database

std::string firstWordOf(const std::string &path)
{
    QFile file(QString::fromStdString(path));
    const std::string text = file.open(QIODevice::ReadOnly) ? file.read(64).toStdString() : std::string();
    return text.substr(0, text.find_first_of(" \t\n"));
}

bool hasProgram(std::string_view folders, const char *name)
{
    while (!folders.empty()) {
        const std::string folder(folders.substr(0, folders.find(':')));
        folders.remove_prefix(std::min(folder.size() + 1, folders.size()));
        const std::string program = folder + '/' + name;
        struct stat about{};
        if (folder.starts_with('/') && stat(program.c_str(), &about) == 0 && S_ISREG(about.st_mode) && access(program.c_str(), X_OK) == 0)
            return true;
    }
    return false;
}

void readAccount(AgentFacts &facts)
{
    std::string buffer(largestAccount, '\0');
    passwd entry{};
    passwd *found = nullptr;
    if (getpwuid_r(facts.user, &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
        return;
    facts.userName = found->pw_name ? found->pw_name : "";
    facts.shell = found->pw_shell ? found->pw_shell : "";
}

bool isNoLogin(std::string_view shell)
{
    const std::string_view name = shell.substr(shell.rfind('/') + 1);
    return name == "nologin" || name == "false";
}

// One that no person, and so no agent of a person, runs as. "nobody" is shared by whatever has no user of its own.
bool isServicesOwn(const AgentFacts &facts)
{
    if (facts.user == 0 || facts.userName == "nobody")
        return false;
    const bool isDynamic = facts.user >= firstDynamicUser && facts.user <= lastDynamicUser && facts.shell.empty(); // without nss-systemd it has no account
    return isDynamic || isNoLogin(facts.shell);
}

std::string shownUser(const AgentFacts &facts)
{
    return facts.userName.empty() ? "user id " + std::to_string(facts.user) : facts.userName;
}

// Why `llm-proxy run` cannot isolate its command here, with the fix; empty: it can.
std::string obstacleOf(const AgentFacts &facts)
{
    if (!facts.hasBubblewrap)
        return "It needs bubblewrap: install the package bubblewrap.";
    if (facts.maxUserNamespaces == "0")
        return "It needs user namespaces, which are off here: set the sysctl user.max_user_namespaces to 10000.";
    if (facts.unprivilegedNamespaces == "0" && facts.user != 0)
        return "It needs user namespaces, which are off here: set the sysctl kernel.unprivileged_userns_clone to 1.";
    if (facts.appArmorRestriction == "1" && facts.user != 0)
        return "It needs user namespaces, which AppArmor allows only to programs whose profile permits them "
               "(sysctl kernel.apparmor_restrict_unprivileged_userns is 1): load an AppArmor profile with userns for /usr/bin/bwrap.";
    return {};
}

} // namespace

AgentFacts agentFacts(const AgentPlaces &places)
{
    AgentFacts facts;
    facts.user = geteuid();
    readAccount(facts);
    const char *const path = std::getenv("PATH");
    facts.hasBubblewrap = hasProgram(!places.programs.empty() ? places.programs : path ? path : "/usr/local/bin:/usr/bin:/bin", "bwrap");
    facts.maxUserNamespaces = firstWordOf(places.sysctls + "/user/max_user_namespaces");
    facts.unprivilegedNamespaces = firstWordOf(places.sysctls + "/kernel/unprivileged_userns_clone");
    facts.appArmorRestriction = firstWordOf(places.sysctls + "/kernel/apparmor_restrict_unprivileged_userns");
    return facts;
}

DoctorItem checkAgents(const LookAtAgents &look)
{
    const char *const title = "Agents run as the key's owner";
    const AgentFacts facts = look();
    if (isServicesOwn(facts))
        return item("agents", title, "No: the server runs as " + shownUser(facts) + ", a system account that nobody logs in to.");
    const std::string obstacle = obstacleOf(facts);
    return item("agents", title, DoctorState::Warn,
                "The server runs as " + shownUser(facts) + ", and every program of that user can read the encryption key and the management token.",
                "Start agents with llm-proxy run, which hides the keys from them with bubblewrap, or run the server as a user of its own." + (obstacle.empty() ? "" : " " + obstacle));
}

DoctorItem checkAgentsHere(const ManageContext &)
{
    return checkAgents([] { return agentFacts(); });
}

} // namespace llmproxy
