// SPDX-License-Identifier: GPL-3.0-only
#include "setup_draft.h"

#include "config/env_file.h"
#include "env_writer.h"
#include "output.h"

#include <algorithm>

namespace llmproxy {

void Draft::add(const std::string &name, const std::string &value, const std::string &comment)
{
    text = withSetting(text, name, value, comment);
    added.push_back(name);
    present[name] = value;
}

void Draft::answer(const std::string &name, const std::string &value, const std::string &comment)
{
    const auto before = present.find(name);
    if (before == present.end()) {
        add(name, value, comment);
    } else if (before->second != value) {
        text = withReplaced(text, name, value, comment);
        changed.push_back(name);
        std::erase(kept, name);
        before->second = value;
    }
}

std::string Draft::valueOr(const char *name, const std::string &standard) const
{
    const auto found = present.find(name);
    return found == present.end() ? standard : found->second;
}

int Draft::read(const GlobalOptions &options)
{
    path = options.envFile.empty() ? ".env" : options.envFile;
    if (const std::string distrust = distrustOfFolder(path, "llm-proxy setup"); !distrust.empty())
        return complain(ExitUsage, path + " is not written: " + distrust);
    if (const std::string distrust = distrustOfEnvFile(path); !distrust.empty())
        return complain(ExitUsage, path + " is not used: " + distrust);
    if (!readWholeFile(path, text))
        return complain(ExitFailed, path + " cannot be read");
    const EnvFile parsed = parseSharedEnvFile(text, isSettingName);
    for (const std::string &warning : parsed.warnings)
        note("warning: " + path + ", " + warning);
    for (const std::string &problem : parsed.problems)
        note(path + ", " + problem);
    if (!parsed.problems.empty())
        return complain(ExitUsage, path + " was left as it is");
    for (const EnvValue &one : parsed.values) {
        if (!one.value.empty())
            present[one.name] = one.value;
    }
    for (const auto &[name, value] : present)
        kept.push_back(name);
    return ExitOk;
}

LoadedSettings Draft::load() const
{
    SettingSources sources;
    for (const EnvValue &one : parseSharedEnvFile(text, isSettingName).values) {
        if (isSecretSetting(one.name))
            sources.secrets[one.name] = std::make_shared<const Secret>(one.value);
        else
            sources.environment[one.name] = one.value;
    }
    sources.serve = true;
    addValidators(sources);
    addNameLookUp(sources);
    LoadedSettings loaded = loadSettings(sources);
    for (SettingProblem &problem : loaded.problems)
        problem.source.clear(); // what was added has no line yet
    return loaded;
}

bool Draft::isRefused(const std::vector<std::string> &names) const
{
    LoadedSettings loaded = load();
    std::erase_if(loaded.problems, [&](const SettingProblem &one) { return std::find(names.begin(), names.end(), one.name) == names.end(); });
    printProblems(loaded);
    return !loaded.problems.empty();
}

} // namespace llmproxy
