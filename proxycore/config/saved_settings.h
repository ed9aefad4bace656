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
    std::map<std::string, int> lines; // where they stand, from 1
    std::vector<SettingProblem> problems;
};
// No file: no values.
SavedSettings readSavedSettings(const std::string &path);
// What must not stand there is a problem of its own name.
std::vector<SettingProblem> checkSavedNames(const SavedSettings &saved, const std::string &path);
// "/data/settings.env, line 3"; without the line when it is not known.
std::string placeInSaved(const SavedSettings &saved, const std::string &name, const std::string &path);

// A file is not part of the database's transaction, so it is replaced in three steps: the new content is on the disk beside the
// file (settings.env.new); it carries the seq of its event before that is committed (settings.env.SEQ); after the commit it takes
// the file's place. Dropped in between, it leaves nothing; after a kill, finishSavedSettings() does what the commit says.
class SavedSettingsDraft
{
public:
    static Result<SavedSettingsDraft> write(const std::string &path, const SettingTexts &values);
    SavedSettingsDraft(SavedSettingsDraft &&other) noexcept : m_path(std::exchange(other.m_path, {})), m_draft(std::exchange(other.m_draft, {})) {}
    SavedSettingsDraft &operator=(SavedSettingsDraft &&) = delete;
    SavedSettingsDraft(const SavedSettingsDraft &) = delete;
    ~SavedSettingsDraft();
    // Durable when it returns true.
    bool carry(int64_t seq);
    Outcome keep();

private:
    SavedSettingsDraft(std::string path, std::string draft) : m_path(std::move(path)), m_draft(std::move(draft)) {}
    std::string m_path;  // of the file
    std::string m_draft; // empty: kept, or handed on
};

// Are there drafts that a killed process left? Those of a running one, too.
bool hasSettingsDrafts(const std::string &path);
// Finishes or removes them: a draft whose seq is at most lastChangeSeq was committed and takes the file's place. True: the file is
// another one now. Only for the owner of the data directory.
bool finishSavedSettings(const std::string &path, int64_t lastChangeSeq);

// Empty: nothing speaks against reading it. Ours, a regular file, and nobody else can write it.
std::string distrustOfFile(const std::string &path);

} // namespace llmproxy
