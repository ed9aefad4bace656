// SPDX-License-Identifier: GPL-3.0-only
#include "settings_source.h"

#include "base/log.h"
#include "base/masking.h"
#include "engine/engine.h"
#include "engine/tls_config.h"
#include "output.h"
#include "upstream/profile.h"
#include "upstream/resolver.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

// NAME and value of each variable, where they stand.
template <typename Visit>
void eachVariable(Visit visit)
{
    for (char **entry = environ; entry && *entry; ++entry) {
        char *const equals = std::strchr(*entry, '=');
        if (equals)
            visit(std::string_view(*entry, static_cast<size_t>(equals - *entry)), equals + 1);
    }
}

} // namespace

void wipeSecretVariables()
{
    eachVariable([](std::string_view name, char *value) {
        if (isSecretSetting(name))
            wipe(value, std::strlen(value));
    });
}

namespace {

void readEnvironment(SettingSources &sources)
{
    eachVariable([&](std::string_view name, const char *value) {
        if (isSecretSetting(name))
            sources.secrets.emplace(name, std::make_shared<const Secret>(value));
        else
            sources.environment.emplace(name, value);
    });
    wipeSecretVariables();
}

} // namespace

void forgetSecrets(SettingSources &sources)
{
    for (auto &[name, value] : sources.secrets) {
        if (value && !value->isEmpty())
            value.reset();
    }
}

std::string distrustOfEnvFile(const std::string &path)
{
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0)
        return {};
    if (!S_ISREG(file.st_mode))
        return "it is not a regular file";
    if (file.st_uid != geteuid())
        return "it belongs to another user";
    if (file.st_mode & (S_IWGRP | S_IWOTH))
        return "others can write it; chmod 600 " + path;
    return {};
}

namespace {

// What can be said without loading an identity: a file may be missing, or only one of the two be set.
std::optional<SettingProblem> partialTlsProblem(const Settings &settings)
{
    for (const auto &[name, path] : {std::pair("TLS_CERT_FILE", settings.tlsCertFile), std::pair("TLS_KEY_FILE", settings.tlsKeyFile)}) {
        if (!path.empty() && access(path.c_str(), R_OK) != 0)
            return SettingProblem{name, path, whyUnreadable()};
    }
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    if (!settings.tlsCiphers.empty() && context && SSL_CTX_set_cipher_list(context.get(), settings.tlsCiphers.c_str()) != 1)
        return SettingProblem{"TLS_CIPHERS", settings.tlsCiphers, "no cipher of the list is known; accepted is a list like ECDHE-RSA-AES128-GCM-SHA256:HIGH"};
    return std::nullopt;
}

} // namespace

void addValidators(SettingSources &sources)
{
    sources.profilesProblem = [](const std::string &path) {
        const auto profiles = loadProfiles(path);
        return profiles ? std::string() : profiles.error().message;
    };
    sources.tlsProblem = [](const Settings &settings) -> std::optional<SettingProblem> {
        auto partial = partialTlsProblem(settings);
        if (partial || settings.tlsCertFile.empty() || settings.tlsKeyFile.empty())
            return partial;
        const auto identity = TlsIdentity::load(tlsConfigOf(settings));
        if (identity)
            return std::nullopt;
        const std::string &name = identity.error().field;
        const std::string &value = name == "TLS_KEY_FILE" ? settings.tlsKeyFile : name == "TLS_CIPHERS" ? settings.tlsCiphers : settings.tlsCertFile;
        return SettingProblem{name, value, identity.error().message};
    };
}

void addNameLookUp(SettingSources &sources)
{
    // What was found is kept: while a server runs, a change of another setting does not wait for a name server.
    struct Names
    {
        std::mutex lock;
        std::map<std::string, std::vector<IpAddress>> found;
    };
    sources.lookUp = [names = std::make_shared<Names>()](const std::string &name) {
        const std::lock_guard guard(names->lock);
        std::vector<IpAddress> &addresses = names->found[name];
        if (addresses.empty())
            addresses = systemLookUp(name).addresses;
        return addresses;
    };
}

SettingSources settingSources(const GlobalOptions &options, EnvFilePolicy policy, bool serve)
{
    SettingSources sources;
    sources.flags = options.flags;
    readEnvironment(sources);
    sources.serve = serve;
    sources.trustsWorkingDirectory = policy == EnvFilePolicy::WorkingDirectory;
    addValidators(sources);
    if (!options.envFile.empty()) {
        sources.envFilePath = options.envFile;
        sources.envFileRequired = true;
    } else if (policy == EnvFilePolicy::WorkingDirectory && access(".env", F_OK) == 0) {
        const std::string distrust = distrustOfEnvFile(".env");
        if (distrust.empty())
            sources.envFilePath = ".env";
        else
            note("./.env is not read: " + distrust);
    }
    return sources;
}

namespace {

// A key in the wrong place is a usual mistake: nothing that may be one is repeated.
bool mayBeKey(const SettingProblem &problem)
{
    return problem.name == "ENCRYPTION_KEY_FILE" && problem.value.size() >= 40 && !problem.value.starts_with('/') && !problem.value.starts_with('.');
}

// "MANAGEMENT_TOKEN is not set": it stands in no column.
bool isSentence(const SettingProblem &problem)
{
    return problem.value.empty() && !aboutSetting(problem.name, problem.problem).starts_with(problem.name + ":");
}

std::string shownSetting(const SettingProblem &problem)
{
    if (problem.value.empty()) // a file, or what was not given
        return redactText(problem.name) + (isSentence(problem) ? "" : ":");
    return redactText(problem.name) + "=" + (mayBeKey(problem) ? "********" : redactText(problem.value)) + ":";
}

std::string withoutValue(const SettingProblem &problem)
{
    std::string text = problem.problem;
    for (size_t at = 0; mayBeKey(problem) && (at = text.find(problem.value)) != std::string::npos;)
        text.replace(at, problem.value.size(), "********");
    if (!problem.source.empty())
        text += " (from " + problem.source + (problem.advice.empty() ? "" : "; " + problem.advice) + ")";
    return redactText(text);
}

} // namespace

std::string problemText(const SettingProblem &problem)
{
    return shownSetting(problem) + " " + withoutValue(problem);
}

void printProblems(const LoadedSettings &loaded)
{
    for (const std::string &warning : loaded.warnings)
        note("warning: " + redactText(warning));
    const std::vector<SettingProblem> &problems = loaded.problems;
    size_t width = 0;
    for (const SettingProblem &problem : problems)
        width = std::max(width, isSentence(problem) ? 0 : shownSetting(problem).size());
    for (const SettingProblem &problem : problems)
        std::fprintf(stderr, "%-*s %s\n", isSentence(problem) ? 0 : static_cast<int>(width), shownSetting(problem).c_str(), withoutValue(problem).c_str());
}

LoadedSettings loadForEngine(const SettingSources &sources)
{
    LoadedSettings loaded = loadSettings(sources);
    if (loaded.problems.empty() && finishSavedSettings(loaded.settings))
        loaded = loadSettings(sources);
    return loaded;
}

bool loadOrComplain(const SettingSources &sources, LoadedSettings &loaded)
{
    loaded = loadForEngine(sources);
    printProblems(loaded);
    return loaded.problems.empty();
}

bool loadToRead(const SettingSources &sources, LoadedSettings &loaded)
{
    loaded = loadSettings(sources);
    printProblems(loaded);
    return loaded.problems.empty();
}

namespace {

// A command's stdout is what it prints.
bool openLogAt(const Settings &settings, LogLevel level, bool isCommand)
{
    LogTarget target;
    target.level = level;
    target.file = settings.logFile.empty() && isCommand ? "/dev/stderr" : settings.logFile;
    target.json = settings.logFormat.empty() ? !settings.logFile.empty() || !isatty(isCommand ? STDERR_FILENO : STDOUT_FILENO)
                                             : settings.logFormat == "json";
    target.fileMode = settings.auditFileMode;
    target.maxBytes = long{settings.logMaxSizeMb} * 1'000'000;
    target.backups = settings.logMaxBackups;
    target.maxAgeMs = settings.logMaxAgeMs;
    std::string problem;
    if (openLog(target, &problem))
        return true;
    note("LOG_FILE cannot be opened: " + settings.logFile + ": " + problem);
    return false;
}

} // namespace

SettingsInUse settingsInUse(const SettingSources &sources, const LoadedSettings &loaded)
{
    SettingsInUse inUse{loaded.given, loaded.origin, {}, {}, {}};
    inUse.loadAlone = [sources, folder = loaded.settings.dataDir](const SettingTexts &saved) { return loadAlone(sources, folder, saved); };
    inUse.load = [sources](const std::optional<SettingTexts> &saved) {
        SettingSources candidate = sources;
        candidate.saved = saved;
        return loadSettings(candidate);
    };
    return inUse;
}

SettingsInUse serverSettingsInUse(const SettingSources &sources, const LoadedSettings &loaded)
{
    SettingsInUse inUse = settingsInUse(sources, loaded);
    inUse.apply = [](const Settings &next) { setLogLevel(logLevelNamed(next.logLevel)); };
    return inUse;
}

bool openServerLog(const Settings &settings)
{
    return openLogAt(settings, logLevelNamed(settings.logLevel), false);
}

bool openCommandLog(const Settings &settings)
{
    return openLogAt(settings, settings.logFile.empty() ? LogLevel::Error : logLevelNamed(settings.logLevel), true);
}

bool openReadersLog(const Settings &settings)
{
    LogTarget target;
    target.level = LogLevel::Error;
    target.file = "/dev/stderr";
    target.json = settings.logFormat.empty() ? !isatty(STDERR_FILENO) : settings.logFormat == "json";
    std::string problem;
    return openLog(target, &problem);
}

} // namespace llmproxy
