// SPDX-License-Identifier: GPL-3.0-only
// Finds what was given for a setting, in the order of contract section 2: flag, environment, .env, settings.env. Thread: a value, with
// secrets in it.
#pragma once

#include "config/saved_settings.h"
#include "config/settings_table.h"

#include <map>
#include <optional>
#include <string>

namespace llmproxy {

struct GivenText
{
    std::string value;
    std::string origin; // as in LoadedSettings
    std::string place;  // as SettingProblem::source
};

struct GivenSecret
{
    SharedSecret value; // null: as in SecretTexts
    std::string origin, place;
    std::string path = {}; // of the file that holds it; empty: none
};

class SettingFinder
{
public:
    // Reads .env and settings.env; what is wrong with them goes to loaded.
    SettingFinder(const SettingSources &sources, LoadedSettings *loaded);

    std::optional<GivenText> text(const SettingRow &row) const;
    std::optional<GivenSecret> secret(const SettingRow &row) const;
    std::string defaultDataDir() const;
    // How somebody overrides a line of .env that is another program's.
    std::string adviceFor(const SettingDeclaration &setting, const std::string &origin) const;

private:
    void readEnvFile(LoadedSettings *loaded);
    void readSaved(LoadedSettings *loaded);
    std::string placeInEnvFile(const std::string &name) const;
    bool isOverruled(const std::string &name) const;

    const SettingSources &m_sources;
    SettingTexts m_texts;             // of .env
    SecretTexts m_secrets;            // likewise
    std::map<std::string, int> m_lines; // likewise
    SavedSettings m_saved;
    std::string m_savedPath;
};

// "/data//" is "/data".
std::string withoutSlashes(std::string path);

} // namespace llmproxy
