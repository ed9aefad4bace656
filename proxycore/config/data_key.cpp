// SPDX-License-Identifier: GPL-3.0-only
#include "config/data_key.h"

#include "base/absolute_path.h"
#include "config/setting_values.h"
#include "config/settings.h"
#include "config/trusted_env.h"

namespace llmproxy {

namespace {

// A key, or why there is none, as the end of a sentence about the file.
struct FoundKey
{
    std::optional<MasterKey> key;
    std::string problem;
};

FoundKey keyFromFile(const std::string &named, const std::string &envFile, const std::string &dataDir)
{
    auto master = loadMasterKey({}, pathNamedIn(envFile, named), dataDir, false);
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
    const std::string *const text = valueIn(file, "ENCRYPTION_KEY"), *const named = valueIn(file, "ENCRYPTION_KEY_FILE");
    if (text && named)
        return {std::nullopt, "sets both ENCRYPTION_KEY and ENCRYPTION_KEY_FILE"};
    if (named)
        return keyFromFile(*named, envFile, dataDir);
    return text ? keyFromText(*text) : FoundKey{std::nullopt, "does not set ENCRYPTION_KEY"};
}

FoundKey keyBeside(const std::string &envFile, const std::string &dataDir)
{
    std::string problem;
    const EnvFile file = readTrustedEnv(envFile, &problem);
    return problem.empty() ? keyIn(file, envFile, dataDir) : FoundKey{std::nullopt, std::move(problem)};
}

} // namespace

std::string envFileBeside(const std::string &dataDir)
{
    return absoluteBytes(dataDir + "/../.env");
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
    const std::string result = found.key ? "has another key" : found.problem;
    error.message += " It was looked for in " + envFile + " too, which " + result + (result.ends_with('.') ? "" : ".");
    return error;
}

} // namespace llmproxy
