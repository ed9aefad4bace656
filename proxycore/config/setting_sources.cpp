// SPDX-License-Identifier: GPL-3.0-only
#include "config/setting_sources.h"

#include "base/ascii.h"
#include "config/env_file.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr size_t largestFile = 1 << 20; // bytes

bool isThere(const std::string &path)
{
    return access(path.c_str(), F_OK) == 0;
}

// No stream: its buffer would keep what it read.
std::string readWhole(const std::string &path)
{
    std::string text;
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about{};
    if (fd >= 0 && fstat(fd, &about) == 0)
        text.resize(std::min(static_cast<size_t>(about.st_size), largestFile + 1));
    size_t size = 0;
    while (fd >= 0 && size < text.size()) {
        const ssize_t got = read(fd, text.data() + size, text.size() - size);
        if (got <= 0)
            break;
        size += static_cast<size_t>(got);
    }
    if (fd >= 0)
        close(fd);
    text.resize(size);
    return text;
}

// https_proxy is read, too.
bool isReadName(std::string_view name)
{
    return isSettingName(name) || (name.ends_with("_proxy") && std::any_of(settingRows().begin(), settingRows().end(), [&](const SettingRow &row) { return lowerCased(row.name) == name; }));
}

} // namespace

SettingFinder::SettingFinder(const SettingSources &sources, LoadedSettings *loaded) : m_sources(sources)
{
    readEnvFile(loaded);
    readSaved(loaded);
}

void SettingFinder::readEnvFile(LoadedSettings *loaded)
{
    const std::string &path = m_sources.envFilePath;
    if (path.empty() || (!isThere(path) && !m_sources.envFileRequired))
        return;
    if (const std::string problem = distrustOfFile(path); !problem.empty()) {
        loaded->problems.push_back({path, "", problem});
        return;
    }
    loaded->settings.envFile = path;
    std::string text = readWhole(path);
    if (text.size() > largestFile) {
        wipe(text.data(), text.size());
        loaded->problems.push_back({path, "", "is larger than 1 MiB and was not read"});
        return;
    }
    const EnvFile file = parseSharedEnvFile(text, isReadName);
    wipe(text.data(), text.size());
    for (const std::string &problem : file.problems)
        loaded->problems.push_back({path, "", problem});
    for (const std::string &warning : file.warnings)
        loaded->warnings.push_back(path + ", " + warning);
    for (const EnvValue &one : file.values) {
        m_lines[one.name] = one.line;
        if (isSecretSetting(one.name))
            m_secrets[one.name] = std::make_shared<const Secret>(one.value);
        else
            m_texts[one.name] = one.value;
    }
}

std::string SettingFinder::placeInEnvFile(const std::string &name) const
{
    const auto line = m_lines.find(name);
    return m_sources.envFilePath + (line == m_lines.end() ? "" : ", line " + std::to_string(line->second));
}

// Set but empty is unset.
std::optional<GivenSecret> SettingFinder::secret(const SettingRow &row) const
{
    const auto look = [&](const SecretTexts &from, const char *origin, const std::string &place) -> std::optional<GivenSecret> {
        const auto found = from.find(row.name);
        if (found == from.end() || (found->second && found->second->isEmpty()))
            return std::nullopt;
        return GivenSecret{found->second, origin, place, {}};
    };
    if (auto given = look(m_sources.secrets, "environment", "the environment"))
        return given;
    return look(m_secrets, ".env", placeInEnvFile(row.name));
}

// Who names a data directory means what is in it, not the files that some folder's .env names.
bool SettingFinder::isOverruled(const std::string &name) const
{
    const auto dataDir = m_sources.flags.find("DATA_DIR");
    return (name == "DATABASE_PATH" || name == "AUDIT_LOG_FILE") && dataDir != m_sources.flags.end() && !dataDir->second.empty();
}

std::optional<GivenText> SettingFinder::text(const SettingRow &row) const
{
    // Set but empty is unset, but for the one setting where empty has a meaning.
    const bool emptyCounts = hasMeaningEmpty(row.name) || isEmptyRefused(row.name);
    const auto look = [&](const SettingTexts &from, const std::string &name, const char *origin, const std::string &place) -> std::optional<GivenText> {
        const auto found = from.find(name);
        if (found == from.end() || (found->second.empty() && !emptyCounts))
            return std::nullopt;
        // Container tools hand quotes on as they stand in their files.
        const bool quotedEmpty = emptyCounts && (found->second == "\"\"" || found->second == "''");
        return GivenText{quotedEmpty ? std::string() : found->second, origin, place};
    };
    if (auto given = look(m_sources.flags, row.name, "flag", flagOf(row)))
        return given;
    const auto lookInside = [&](const SettingTexts &from, const char *origin, const auto &placeOf) {
        const std::string lower = lowerCased(row.name); // as curl: lower case goes first
        auto given = row.name.ends_with("_PROXY") ? look(from, lower, origin, placeOf(lower)) : std::nullopt;
        return given ? given : look(from, row.name, origin, placeOf(row.name));
    };
    if (auto given = lookInside(m_sources.environment, "environment", [](const std::string &) { return std::string("the environment"); }))
        return given;
    const auto placeOf = [this](const std::string &name) { return placeInEnvFile(name); };
    if (auto given = isOverruled(row.name) ? std::nullopt : lookInside(m_texts, ".env", placeOf))
        return given;
    return isSavable(row) ? look(m_saved.values, row.name, "saved", placeInSaved(m_saved, row.name, m_savedPath)) : std::nullopt;
}

std::string SettingFinder::adviceFor(const SettingDeclaration &setting, const std::string &origin) const
{
    if (origin != ".env")
        return {};
    const std::string flag = flagOf(setting);
    return "if that line is another program's, set " + setting.name + " in the environment" + (flag.empty() ? "" : " or give " + flag)
           + ", or name a file of your own with --env";
}

std::string SettingFinder::defaultDataDir() const
{
    // A .env of this folder with settings of ours says that its server's data belong here, before there are any.
    const bool hasOwnEnv = m_sources.trustsWorkingDirectory && m_sources.envFilePath == ".env" && !(m_texts.empty() && m_secrets.empty());
    if (m_sources.serve || hasOwnEnv || isThere("./data/llm-proxy.db"))
        return "./data";
    return usualDataDir(m_sources.environment);
}

std::string usualDataDir(const SettingTexts &environment)
{
    const auto value = [&](const char *name) {
        const auto found = environment.find(name);
        return found == environment.end() ? std::string() : found->second;
    };
    const std::string data = value("XDG_DATA_HOME");
    return (data.empty() ? value("HOME") + "/.local/share" : data) + "/llm-proxy";
}

// What was saved in the data directory, or is to be tried instead. The directory itself is known from the other sources.
void SettingFinder::readSaved(LoadedSettings *loaded)
{
    const auto isDataDir = [](const SettingRow &row) { return row.name == "DATA_DIR"; };
    const auto row = std::find_if(settingRows().begin(), settingRows().end(), isDataDir);
    const auto given = text(*row);
    if (!given && !m_sources.trustsWorkingDirectory && defaultDataDir() == "./data")
        return;
    m_savedPath = savedSettingsPath(withoutSlashes(given ? given->value : defaultDataDir()));
    if (m_sources.saved)
        m_saved.values = *m_sources.saved;
    else
        m_saved = readSavedSettings(m_savedPath);
    for (const auto &problems : {m_saved.problems, checkSavedNames(m_saved, m_savedPath)})
        loaded->problems.insert(loaded->problems.end(), problems.begin(), problems.end());
}

std::string withoutSlashes(std::string path)
{
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path;
}

} // namespace llmproxy
