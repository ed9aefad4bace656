// SPDX-License-Identifier: GPL-3.0-only
// Where a program run takes its settings from: flags, environment and, where ruling allows it, the .env of
// the working directory. Thread: main.
#pragma once

#include "config/settings.h"

#include <map>
#include <string>
#include <vector>

namespace llmproxy {

// What stands before or among a command's own options.
struct GlobalOptions
{
    bool serve = false;
    bool demo = false;
    std::string envFile;                      // --env; empty: not given
    std::string screenshots;                  // --screenshots; a folder for pictures of the console
    std::map<std::string, std::string> flags; // settings given as flags, by variable name
};

enum class EnvFilePolicy {
    WorkingDirectory, // --serve, setup and administrative commands read ./.env
    OnlyWhenNamed,    // run: a cloned repository must not redirect our keys
};

// Overwrites our secrets in the process's environment (/proc/PID/environ), in place. Before threads are made.
void wipeSecretVariables();
// For a server that has read its settings: only that they were given is kept.
void forgetSecrets(SettingSources &sources);
// The environment's secrets are moved out of it: a second call finds them set, but empty. Before threads are made, or with secrets
// that are gone already.
SettingSources settingSources(const GlobalOptions &options, EnvFilePolicy policy, bool serve);
// How profiles and certificates are judged.
void addValidators(SettingSources &sources);
// For settings that a server starts with, or is checked by: names in LISTEN_ADDR are looked up, each once.
void addNameLookUp(SettingSources &sources);
// Empty when the file may be trusted: ours, and nobody else can write it.
std::string distrustOfEnvFile(const std::string &path);
// One aligned line a problem, on stderr.
std::string problemText(const SettingProblem &problem); // one line, credentials masked
void printProblems(const LoadedSettings &loaded); // and warnings
// As loadSettings(); what a killed process left of saved settings is finished first.
LoadedSettings loadForEngine(const SettingSources &sources);
// False when there are problems; they are printed.
bool loadOrComplain(const SettingSources &sources, LoadedSettings &loaded);
// The same for a command that only reads: what a killed process left waits for the next start of an engine.
bool loadToRead(const SettingSources &sources, LoadedSettings &loaded);

// For an engine that shows its settings and lets them be saved.
SettingsInUse settingsInUse(const SettingSources &sources, const LoadedSettings &loaded);
// The same for an engine whose log is the server's (openServerLog): a saved LOG_LEVEL takes effect at once.
SettingsInUse serverSettingsInUse(const SettingSources &sources, const LoadedSettings &loaded);

// The application log as set. False after a sentence.
bool openServerLog(const Settings &settings);
// For an engine inside a command: stdout belongs to the command, so without LOG_FILE only errors are logged.
bool openCommandLog(const Settings &settings);
// For one that only reads: only errors are logged, and LOG_FILE is not touched.
bool openReadersLog(const Settings &settings);

} // namespace llmproxy
