// SPDX-License-Identifier: GPL-3.0-only
// $DATA_DIR/settings.env: the settings that were saved through the management API, in the form of .env. It is read like
// any other source and written by us alone, whole and durable. Never a secret, never DATA_DIR. Thread: any; one writer.
#pragma once

#include "base/result.h"
#include "config/settings.h"

#include <string>

namespace llmproxy {

std::string savedSettingsPath(const std::string &dataDir);

struct SavedSettings
{
    SettingTexts values; // also of names that this version does not know: they are kept
    std::vector<SettingProblem> problems;
};
// No file: no values.
SavedSettings readSavedSettings(const std::string &path);
// What must not stand there is a problem of its own name; values are those of the file.
std::vector<SettingProblem> checkSavedNames(const SettingTexts &values, const std::string &path);

// Two steps, so that an event can be made durable between them: the new content lies on the disk beside the file, and
// then takes its place. Dropped in between, it leaves nothing.
class SavedSettingsDraft
{
public:
    static Result<SavedSettingsDraft> write(const std::string &path, const SettingTexts &values);
    SavedSettingsDraft(SavedSettingsDraft &&other) noexcept : m_path(std::exchange(other.m_path, {})) {}
    SavedSettingsDraft &operator=(SavedSettingsDraft &&) = delete;
    SavedSettingsDraft(const SavedSettingsDraft &) = delete;
    ~SavedSettingsDraft();
    Outcome keep();

private:
    explicit SavedSettingsDraft(std::string path) : m_path(std::move(path)) {}
    std::string m_path; // of the file; empty: kept, or handed on
};

// Empty: nothing speaks against reading it. Ours, a regular file, and nobody else can write it.
std::string distrustOfFile(const std::string &path);

} // namespace llmproxy
