// SPDX-License-Identifier: GPL-3.0-only
#include "isolation_plan.h"

#include "config/env_file.h"
#include "config/hidden_by_run.h"
#include "config/settings.h"
#include "env_writer.h"
#include "mount_aliases.h"
#include "secrets/secret.h"
#include "ssh_config.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// Whoever owns it. A FIFO, or a file of any size, may be what a command has put there: nothing, then.
std::string textOfEnvFile(const std::string &path)
{
    constexpr off_t largest = 1 << 20;
    struct stat about = {};
    const int file = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const bool isUsable = file >= 0 && fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= largest;
    std::string text(isUsable ? static_cast<size_t>(about.st_size) : 0, '\0');
    const ssize_t got = text.empty() ? 0 : read(file, text.data(), text.size());
    text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (file >= 0)
        close(file);
    return text;
}

} // namespace

bool isEnvFileOfOurs(const std::string &envFile, std::string *dataDir)
{
    std::string text = textOfEnvFile(envFile);
    const EnvFile parsed = parseSharedEnvFile(text, isSettingName);
    wipe(text.data(), text.size());
    bool isOurs = false;
    for (const EnvValue &one : parsed.values) {
        isOurs = isOurs || isOwnSecretVariable(one.name); // LOG_LEVEL is of any program
        if (one.name == "DATA_DIR" && !one.value.empty())
            *dataDir = one.value;
    }
    return isOurs;
}

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kernelFolders[] = {"/proc", "/sys", "/dev"};

// These are made anew for the command.
bool isOfKernel(const std::string &path)
{
    return std::any_of(std::begin(kernelFolders), std::end(kernelFolders), [&path](std::string_view folder) {
        return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
    });
}

std::string besideFolder(const fs::path &folder, const std::string &named)
{
    return named.starts_with('/') ? named : (folder / named).lexically_normal().string();
}

void addFolderAround(const fs::path &folder, bool isHere, std::vector<OwnPlace> &places)
{
    std::error_code error;
    const std::string envFile = (folder / ".env").string();
    std::string dataDir = "data";
    const bool isOurs = fs::exists(envFile, error) && isEnvFileOfOurs(envFile, &dataDir);
    if (isOurs || (isHere && fs::exists(envFile, error)))
        places.push_back({envFile, OwnPlace::Kind::File, ".env"});
    for (const std::string &candidate : std::set<std::string>{besideFolder(folder, dataDir), besideFolder(folder, "data")}) {
        if (fs::exists(candidate + "/llm-proxy.db", error) || (isOurs && fs::exists(candidate + "/encryption.key", error)))
            places.push_back({candidate, OwnPlace::Kind::Folder, "data directory"});
    }
}

std::string refusedOption(const std::string &option, const std::string &typed, const std::string &real)
{
    if (real.empty())
        return option + ": " + typed + " does not exist, or cannot be reached";
    return isOfKernel(real) ? option + ": " + typed + " cannot be given: the command gets a /proc, /sys and /dev of its own" : std::string();
}

std::string addTypedPaths(const IsolationOptions &options, IsolationPlan &plan)
{
    for (const std::string &typed : options.readOnly) {
        const std::string real = reachablePath(typed);
        if (std::string problem = refusedOption("--read-only", typed, real); !problem.empty())
            return problem;
        plan.readOnly.push_back(real);
    }
    for (const std::string &typed : options.hide) {
        const std::string real = reachablePath(typed);
        if (std::string problem = refusedOption("--hide", typed, real); !problem.empty())
            return problem;
        plan.hidden.add({real, OwnPlace::Kind::Folder, "--hide"});
    }
    return {};
}

} // namespace

std::vector<OwnPlace> placesAround(const std::string &workingDirectory)
{
    std::vector<OwnPlace> places;
    std::error_code error;
    const fs::path here(workingDirectory);
    fs::path top = here;
    for (fs::path folder = here; folder != folder.root_path(); folder = folder.parent_path()) {
        if (fs::exists(folder / ".git", error))
            top = folder;
    }
    for (fs::path folder = here; true; folder = folder.parent_path()) {
        addFolderAround(folder, folder == here, places);
        if (folder == top || folder == folder.root_path())
            return places;
    }
}

IsolationPlan planIsolation(const IsolationOptions &options, const std::map<std::string, std::string> &environment, const std::vector<OwnPlace> &places, std::string *problem)
{
    IsolationPlan plan;
    plan.workingDirectory = reachablePath(".");
    for (const OwnPlace &place : places)
        plan.hidden.add(place);
    for (const OwnPlace &place : placesAround(plan.workingDirectory))
        plan.hidden.add(place);
    *problem = addTypedPaths(options, plan);
    plan.hidden.hideWholeFolders(plan.workingDirectory);
    plan.doors = sessionDoors(environment, options.doors, plan.hidden);
    if (geteuid() != 0) // root's own files stay root's
        plan.copied = includedSshConfigs("/etc/ssh/ssh_config");
    plan.hidden.addAliases(mountsHere());
    const std::string around = plan.hidden.folderOf(plan.workingDirectory);
    if (problem->empty() && plan.workingDirectory.empty())
        *problem = "the working directory does not exist, or cannot be reached";
    else if (problem->empty() && !around.empty())
        *problem = "the working directory lies in " + around + ", which is hidden from the command. Start it in another folder, or with --no-isolation";
    return plan;
}

std::string openWithout(const HiddenPaths &hidden)
{
    const std::string own = hidden.summary();
    return "The command can read " + (own.empty() ? std::string() : own + ", ")
           + "the session bus and its secrets, displays and the SSH agent, use the control socket, look into and stop other processes of this user, and type into this terminal";
}

namespace {

using Words = std::vector<std::string>;

void addWords(Words &words, std::initializer_list<std::string> more)
{
    words.insert(words.end(), more);
}

void addCopied(const IsolationPlan &plan, const TextFd &textFd, Words &words)
{
    for (const std::string &path : plan.copied) {
        std::string text;
        if (readWholeFile(path, text))
            addWords(words, {"--ro-bind-data", textFd(text), path});
    }
}

void addHidden(const IsolationPlan &plan, const TextFd &textFd, Words &words)
{
    const auto isOwn = [&plan](const std::string &folder) { return plan.doors.runtimeDirs.count(folder) > 0; };
    const std::vector<std::string> folders = plan.hidden.folders();
    for (const std::string &folder : folders)
        addWords(words, {"--perms", isOwn(folder) ? "0700" : "0755", "--tmpfs", folder});
    for (const std::string &path : plan.doors.kept) {
        if (plan.hidden.covers(path))
            addWords(words, {"--bind-try", path, path});
    }
    for (const auto &[link, target] : plan.doors.links) {
        if (plan.hidden.covers(link))
            addWords(words, {"--symlink", target, link});
    }
    for (const std::string &folder : folders) {
        if (!isOwn(folder))
            addWords(words, {"--perms", "0444", "--file", textFd(hiddenText), folder + '/' + hiddenMark, "--remount-ro", folder});
    }
    for (const std::string &file : plan.hidden.files())
        addWords(words, {"--ro-bind-data", textFd(hiddenText), file});
}

} // namespace

std::vector<std::string> bubblewrapArguments(const IsolationPlan &plan, bool hasFreshProc, const TextFd &textFd)
{
    const bool isRoot = geteuid() == 0;
    Words words{"--unshare-user", "--unshare-pid", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--bind", "/", "/"};
    const auto add = [&words](std::initializer_list<std::string> more) { addWords(words, more); };
    if (isRoot)
        add({"--cap-add", "CAP_SETFCAP"}); // the kernel asks for it where root is mapped: else agents' own sandboxes could not start
    if (plan.doors.devices.empty())
        add({"--unshare-ipc"}); // a program's shared pictures of its windows; X servers share them with the command
    for (const std::string &path : plan.readOnly)
        add({"--ro-bind", path, path});
    add({"--dev", "/dev", "--ro-bind", "/sys", "/sys"});
    for (const std::string &device : plan.doors.devices)
        add({"--dev-bind-try", device, device});
    if (hasFreshProc)
        add({"--proc", "/proc"});
    if (isRoot) // whose files these are, with or without capabilities: core_pattern names a program that the kernel starts outside
        add({"--ro-bind", "/proc/sys", "/proc/sys"});
    addCopied(plan, textFd, words);
    addHidden(plan, textFd, words);
    add({"--chdir", plan.workingDirectory});
    return words;
}

} // namespace llmproxy
