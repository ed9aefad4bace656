// SPDX-License-Identifier: GPL-3.0-only
#include "ssh_config.h"

#include "base/ascii.h"
#include "env_writer.h"
#include "hidden_paths.h"

#include <algorithm>
#include <glob.h>
#include <sstream>
#include <sys/stat.h>

namespace llmproxy {

namespace {

constexpr int deepestInclude = 16; // ssh's own

std::string withoutQuotes(std::string word)
{
    std::erase(word, '"');
    return word;
}

// "Include a/*.conf /b": the patterns, absolute; other lines have none.
std::vector<std::string> includePatterns(std::string line)
{
    std::replace(line.begin(), line.end(), '=', ' ');
    std::istringstream words(line);
    std::vector<std::string> patterns;
    std::string word;
    if (!(words >> word) || !equalsIgnoreCase(word, "include"))
        return patterns;
    while (words >> word && !word.starts_with('#')) {
        const std::string pattern = withoutQuotes(word);
        patterns.push_back(pattern.starts_with('/') ? pattern : "/etc/ssh/" + pattern);
    }
    return patterns;
}

bool isFileOfRoot(const std::string &path)
{
    struct stat about = {};
    return !path.empty() && stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == 0;
}

std::vector<std::string> filesOf(const std::string &pattern)
{
    std::vector<std::string> files;
    glob_t matches = {};
    if (glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
        for (size_t at = 0; at < matches.gl_pathc; ++at)
            files.push_back(reachablePath(matches.gl_pathv[at]));
    }
    globfree(&matches);
    return files;
}

void addIncluded(const std::string &configFile, int depth, std::vector<std::string> &found)
{
    std::string text, line;
    if (depth > deepestInclude || !readWholeFile(configFile, text))
        return;
    for (std::istringstream lines(text); std::getline(lines, line);) {
        for (const std::string &pattern : includePatterns(line)) {
            for (const std::string &file : filesOf(pattern)) {
                if (!isFileOfRoot(file) || std::find(found.begin(), found.end(), file) != found.end())
                    continue;
                found.push_back(file);
                addIncluded(file, depth + 1, found);
            }
        }
    }
}

} // namespace

std::vector<std::string> includedSshConfigs(const std::string &configFile)
{
    std::vector<std::string> found;
    addIncluded(configFile, 0, found);
    return found;
}

} // namespace llmproxy
