// SPDX-License-Identifier: GPL-3.0-only
#include "config/saved_settings.h"

#include "base/owned_file.h"
#include "base/write_all.h"
#include "config/env_file.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// By the seq that each carries; 0: none yet.
std::map<int64_t, std::string> draftsOf(const std::string &path)
{
    std::map<int64_t, std::string> drafts;
    const std::string prefix = std::filesystem::path(path).filename().string() + ".";
    std::error_code failed;
    std::filesystem::directory_iterator entry(std::filesystem::path(path).parent_path(), failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(prefix))
            continue;
        const std::string_view end = std::string_view(name).substr(prefix.size());
        int64_t seq = 0;
        const auto read = std::from_chars(end.data(), end.data() + end.size(), seq);
        if (end == "new" || (read.ec == std::errc() && read.ptr == end.data() + end.size() && seq > 0))
            drafts[seq] = entry->path().string();
    }
    return drafts;
}

// The form that parseEnvFile() reads back to the same text.
std::string quoted(const std::string &value)
{
    std::string out = "\"";
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

std::string textOf(const SettingTexts &values)
{
    std::string text = "# Settings saved through the management API, which writes this file anew.\n"
                       "# Flags, environment and .env come before it. No secrets belong here.\n";
    for (const auto &[name, value] : values)
        text += name + "=" + quoted(value) + "\n";
    return text;
}

Error cannot(const char *what, const std::string &path)
{
    return {ErrorKind::Unavailable, "service_unavailable", std::string("The settings cannot be saved: ") + what + " " + path + ": " + std::strerror(errno) + ".", {}};
}

std::string folderOf(const std::string &path)
{
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Root asks the engine of another user, which has its own settings, or is sent away, as everybody else is.
bool isAnotherUsers(const std::string &folder)
{
    struct stat info{};
    return stat(folder.c_str(), &info) == 0 && info.st_uid != geteuid() && (info.st_uid != 0 || access(folder.c_str(), X_OK) != 0);
}

bool readOwned(const std::string &path, std::string *text, std::string *problem)
{
    const int fd = openOwned(path, O_RDONLY, 0, problem);
    if (fd < 0)
        return false;
    std::array<char, 4096> bytes{};
    ssize_t got = 0;
    while ((got = read(fd, bytes.data(), bytes.size())) > 0)
        text->append(bytes.data(), static_cast<size_t>(got));
    if (got < 0)
        *problem = std::strerror(errno);
    close(fd);
    return got == 0;
}

} // namespace

std::string distrustOfFile(const std::string &path)
{
    struct stat info{};
    if (stat(path.c_str(), &info) != 0)
        return "cannot be read";
    if (!S_ISREG(info.st_mode))
        return "is not a regular file";
    if (info.st_uid != geteuid())
        return "belongs to another user, so it is not read";
    if (info.st_mode & (S_IWGRP | S_IWOTH))
        return "can be written by others, so it is not read; chmod 600 " + path;
    return {};
}

std::string savedSettingsPath(const std::string &dataDir)
{
    return dataDir + "/settings.env";
}

SavedSettings readSavedSettings(const std::string &path)
{
    SavedSettings saved;
    std::string text, why;
    if (isAnotherUsers(folderOf(path)) || (access(path.c_str(), F_OK) != 0 && errno == ENOENT))
        return saved;
    if (!readOwned(path, &text, &why)) {
        saved.problems.push_back({path, "", "cannot be read: " + why});
        return saved;
    }
    const EnvFile file = parseEnvFile(text);
    for (const std::string &problem : file.problems)
        saved.problems.push_back({path, "", problem});
    for (const EnvValue &one : file.values) {
        saved.values[one.name] = one.value;
        saved.lines[one.name] = one.line;
    }
    return saved;
}

std::string placeInSaved(const SavedSettings &saved, const std::string &name, const std::string &path)
{
    const auto line = saved.lines.find(name);
    return line == saved.lines.end() ? path : path + ", line " + std::to_string(line->second);
}

std::vector<SettingProblem> checkSavedNames(const SavedSettings &saved, const std::string &path)
{
    std::vector<SettingProblem> problems;
    for (const auto &[name, value] : saved.values) {
        const SettingDeclaration *declaration = settingNamed(name);
        if (!declaration || isSavable(*declaration))
            continue;
        if (declaration->secret)
            problems.push_back({name, "********", "a secret is not taken from " + path + "; give it in the environment or .env, and remove that line", placeInSaved(saved, name, path)});
        else
            problems.push_back({name, value, "it " + std::string(whyNotSaved(*declaration)) + ", so it cannot stand in " + path + "; remove that line", placeInSaved(saved, name, path)});
    }
    return problems;
}

Result<SavedSettingsDraft> SavedSettingsDraft::write(const std::string &path, const SettingTexts &values)
{
    const std::string draft = path + ".new";
    unlink(draft.c_str()); // left by a crash
    std::string problem;
    const int fd = openOwned(draft, O_WRONLY | O_CREAT | O_EXCL, 0600, &problem);
    if (fd < 0)
        return cannot("no file can be made at", draft);
    SavedSettingsDraft made(path, draft); // from here on it is removed with it
    const bool good = fchmod(fd, 0600) == 0 && writeAll(fd, textOf(values)) && fsync(fd) == 0;
    const Error error = cannot("cannot write", draft);
    close(fd);
    if (!good)
        return error;
    return made;
}

SavedSettingsDraft::~SavedSettingsDraft()
{
    if (!m_draft.empty())
        unlink(m_draft.c_str());
}

bool SavedSettingsDraft::carry(int64_t seq)
{
    const std::string numbered = m_path + "." + std::to_string(seq);
    if (rename(m_draft.c_str(), numbered.c_str()) != 0)
        return false;
    m_draft = numbered;
    return syncFolder(folderOf(m_path));
}

Outcome SavedSettingsDraft::keep()
{
    if (rename(m_draft.c_str(), m_path.c_str()) != 0)
        return cannot("cannot replace", m_path);
    m_draft.clear();
    // It is in place for everybody; what fails here is the promise for a power cut.
    if (!syncFolder(folderOf(m_path)))
        return cannot("cannot sync the folder of", m_path);
    return {};
}

bool hasSettingsDrafts(const std::string &path)
{
    return !draftsOf(path).empty();
}

bool finishSavedSettings(const std::string &path, int64_t lastChangeSeq)
{
    bool replaced = false;
    for (const auto &[seq, draft] : draftsOf(path)) { // the newest last
        if (seq == 0 || seq > lastChangeSeq)
            unlink(draft.c_str());
        else
            replaced = rename(draft.c_str(), path.c_str()) == 0 || replaced;
    }
    syncFolder(folderOf(path));
    return replaced;
}

} // namespace llmproxy
