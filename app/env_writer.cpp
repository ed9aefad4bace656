// SPDX-License-Identifier: GPL-3.0-only
#include "env_writer.h"

#include "base/accounts.h"
#include "base/write_all.h"
#include "config/env_file.h"
#include "config/settings.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

namespace fs = std::filesystem;

enum class Assignments { Empty, All };

// The lines that set this name, from 1. The inside of another program's quoted value has none.
std::set<int> assignments(const std::string &text, const std::string &name, Assignments which)
{
    std::set<int> lines;
    for (const EnvValue &one : parseSharedEnvFile(text, isSettingName).values) {
        if (one.name == name && (which == Assignments::All || one.value.empty()))
            lines.insert(one.line);
    }
    return lines;
}

// A link stays a link; what it points at is replaced.
fs::path writtenPath(const std::string &path)
{
    std::error_code error;
    return fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : fs::path(path);
}

std::string systemError(const std::string &what)
{
    return what + ": " + std::strerror(errno);
}

// In quotes when the value would not be read back as it is.
std::string quoted(const std::string &value)
{
    if (!value.empty() && value.find_first_of(" \t#'\"\\$`") == std::string::npos)
        return value;
    const char quote = value.find('\'') == std::string::npos ? '\'' : '"';
    return quote + value + quote;
}

bool listsEntry(const std::string &gitignore, const std::string &name)
{
    std::istringstream lines(gitignore);
    for (std::string line; std::getline(lines, line);) {
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r'))
            line.pop_back();
        if (line.rfind("/", 0) == 0)
            line.erase(0, 1);
        if (line == name || line + "/" == name)
            return true;
    }
    return false;
}

} // namespace

bool readWholeFile(const std::string &path, std::string &text)
{
    text.clear();
    std::error_code error;
    if (!fs::exists(path, error))
        return !error;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    text = content.str();
    return file.good() || file.eof();
}

namespace {

std::string withValueAt(const std::set<int> &places, const std::string &text, const std::string &name, const std::string &value, const std::string &comment)
{
    std::istringstream lines(text);
    std::string result;
    bool placed = false;
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        if (places.contains(++number)) {
            line = placed ? std::string() : name + "=" + quoted(value);
            placed = true;
        }
        result += line + "\n";
    }
    if (!placed)
        result += (result.empty() ? "# " : "\n# ") + comment + "\n" + name + "=" + quoted(value) + "\n";
    return result;
}

} // namespace

std::string withSetting(const std::string &text, const std::string &name, const std::string &value, const std::string &comment)
{
    return withValueAt(assignments(text, name, Assignments::Empty), text, name, value, comment);
}

std::string withReplaced(const std::string &text, const std::string &name, const std::string &value, const std::string &comment)
{
    return withValueAt(assignments(text, name, Assignments::All), text, name, value, comment);
}

std::string distrustOfFolder(const std::string &path, const std::string &command)
{
    struct stat folder = {};
    const fs::path parent = writtenPath(path).parent_path();
    if (geteuid() != 0 || stat(parent.empty() ? "." : parent.c_str(), &folder) != 0 || folder.st_uid == 0)
        return {};
    return "its folder belongs to " + userText(folder.st_uid) + ", who could not use what root writes there; run: " + runAsText(folder.st_uid, folder.st_gid)
           + " " + command;
}

std::string replaceFile(const std::string &path, const std::string &text, unsigned mode)
{
    const fs::path target = writtenPath(path);
    const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
    std::string temporary = (folder / (target.filename().string() + ".XXXXXX")).string();
    const int fd = mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0)
        return systemError("no file can be made in " + folder.string());
    std::string problem;
    if (fchmod(fd, static_cast<mode_t>(mode)) != 0 || !writeAll(fd, text) || fsync(fd) != 0)
        problem = systemError("cannot write " + temporary);
    close(fd);
    if (problem.empty() && rename(temporary.c_str(), target.c_str()) != 0)
        problem = systemError("cannot write " + path);
    if (!problem.empty()) {
        unlink(temporary.c_str());
        return problem;
    }
    syncFolder(folder.string());
    return {};
}

std::string workTreeAround(const std::string &file)
{
    std::error_code error;
    fs::path folder = fs::absolute(file, error).parent_path();
    while (!fs::exists(folder / ".git", error)) {
        if (folder == folder.parent_path())
            return {};
        folder = folder.parent_path();
    }
    return folder.string();
}

std::vector<std::string> missingIgnores(const std::string &envFile, std::string &gitignore)
{
    const fs::path folder = workTreeAround(envFile);
    if (folder.empty())
        return {};
    gitignore = (folder / ".gitignore").string();
    std::string text;
    if (!readWholeFile(gitignore, text))
        return {};
    std::vector<std::string> missing;
    for (const std::string &name : {fs::path(envFile).filename().string(), std::string("data/")}) {
        if (!listsEntry(text, name))
            missing.push_back(name);
    }
    return missing;
}

} // namespace llmproxy
