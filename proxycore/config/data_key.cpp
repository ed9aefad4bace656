// SPDX-License-Identifier: GPL-3.0-only
#include "config/data_key.h"

#include "base/absolute_path.h"
#include "base/owned_file.h"
#include "config/env_file.h"
#include "config/setting_values.h"
#include "config/settings.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr off_t largestEnvFile = 1 << 20; // bytes

// A key, or why there is none, as the end of a sentence about the file.
struct FoundKey
{
    std::optional<MasterKey> key;
    std::string problem;
};

// The same rule as for ./.env (ruling 4), on the file that is open.
std::string distrustOfOpened(const struct stat &about, const std::string &path)
{
    if (about.st_uid != geteuid())
        return "belongs to another user, so it was not read";
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "can be written by others, so it was not read; run: chmod 600 '" + path + "'";
    return about.st_size > largestEnvFile ? "is larger than 1 MiB and was not read" : "";
}

// What is wrong, as above; empty: text is what the file holds, to be wiped.
std::string readTrusted(const std::string &path, std::string &text)
{
    std::string problem;
    const int file = openOwned(path, O_RDONLY | O_NONBLOCK, 0, &problem);
    if (file < 0)
        return errno == ENOENT ? "does not exist" : "was not read: " + problem;
    struct stat about{};
    problem = fstat(file, &about) == 0 ? distrustOfOpened(about, path) : "cannot be read";
    if (problem.empty())
        text.resize(static_cast<size_t>(about.st_size));
    size_t size = 0;
    for (ssize_t got = 0; size < text.size() && (got = read(file, text.data() + size, text.size() - size)) > 0;)
        size += static_cast<size_t>(got);
    close(file);
    text.resize(size);
    return problem;
}

FoundKey keyFromFile(const std::string &named, const std::string &envFile, const std::string &dataDir)
{
    // --serve, which reads this .env, is started in its folder.
    const std::string path = named.starts_with('/') ? named : absolutePath(envFile + "/../" + named);
    auto master = loadMasterKey({}, path, dataDir, false);
    if (!master)
        return {std::nullopt, "names a key that cannot be used: " + master.error().message};
    return {std::move(*master), {}};
}

FoundKey keyFromText(const std::string &text)
{
    Settings read;
    if (!reads::encryptionKey(text, read).empty())
        return {std::nullopt, "has an ENCRYPTION_KEY that is not base64 of 32 bytes"};
    return {MasterKey{std::move(read.encryptionKey), "environment"}, {}};
}

FoundKey keyIn(const EnvFile &file, const std::string &envFile, const std::string &dataDir)
{
    if (!file.problems.empty())
        return {std::nullopt, "was not used: " + file.problems.front()};
    const auto valueOf = [&file](std::string_view name) { // the last line that sets it counts, as for --serve
        const auto last = std::find_if(file.values.rbegin(), file.values.rend(), [name](const EnvValue &one) { return one.name == name; });
        return last == file.values.rend() || last->value.empty() ? nullptr : &last->value;
    };
    const std::string *const text = valueOf("ENCRYPTION_KEY"), *const named = valueOf("ENCRYPTION_KEY_FILE");
    if (text && named)
        return {std::nullopt, "sets both ENCRYPTION_KEY and ENCRYPTION_KEY_FILE"};
    if (named)
        return keyFromFile(*named, envFile, dataDir);
    return text ? keyFromText(*text) : FoundKey{std::nullopt, "does not set ENCRYPTION_KEY"};
}

FoundKey keyBeside(const std::string &envFile, const std::string &dataDir)
{
    std::string text;
    if (std::string problem = readTrusted(envFile, text); !problem.empty())
        return {std::nullopt, std::move(problem)};
    const EnvFile file = parseSharedEnvFile(text, isSettingName); // as --serve reads it
    wipe(text.data(), text.size());
    return keyIn(file, envFile, dataDir);
}

} // namespace

std::string envFileBeside(const std::string &dataDir)
{
    return absolutePath(dataDir + "/../.env");
}

Result<KeyRing> openDataKeys(const Settings &settings, const KeyRingRecord &record)
{
    auto master = loadMasterKey(settings.encryptionKey, settings.encryptionKeyFile, settings.dataDir, false, record.keySource);
    if (master)
        return KeyRing::open(*master, record);
    if (master.error().code != missingKeyCode)
        return master.error();
    const std::string envFile = envFileBeside(settings.dataDir);
    FoundKey found = keyBeside(envFile, settings.dataDir);
    if (found.key && KeyRing::fits(*found.key, record)) {
        found.key->envFile = envFile;
        return KeyRing::open(*found.key, record);
    }
    Error error = master.error();
    error.message += " It was looked for in " + envFile + " too, which " + (found.key ? "has another key" : found.problem) + ".";
    return error;
}

} // namespace llmproxy
