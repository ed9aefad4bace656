// SPDX-License-Identifier: GPL-3.0-only
// The .env that llm-proxy setup is about to write. Thread: main.
#pragma once

#include "settings_source.h"
#include "setup_secrets.h"

#include <map>
#include <string>
#include <vector>

namespace llmproxy {

struct Draft
{
    std::string path, text;
    std::vector<std::string> added, changed, kept;
    std::map<std::string, std::string> present; // not empty ones
    std::string dataDir;              // as --serve reads it
    std::vector<std::string> written; // files of secrets
    SecretFiles secrets;              // to be written
    bool keepsApart = false;          // secrets go to the data directory

    // What is in the file now. ExitOk, or the code after a sentence.
    int read(const GlobalOptions &options);
    // Sets what is not set, or is empty.
    void add(const std::string &name, const std::string &value, const std::string &comment);
    // The answer to a question; that of an earlier run is replaced.
    void answer(const std::string &name, const std::string &value, const std::string &comment);
    bool has(const std::string &name) const { return present.contains(name); }
    std::string valueOr(const char *name, const std::string &standard) const;
    // As --serve would read it, before anything is written.
    LoadedSettings load() const;
    // Prints what --serve would refuse of these settings; false: nothing.
    bool isRefused(const std::vector<std::string> &names) const;
};

} // namespace llmproxy
