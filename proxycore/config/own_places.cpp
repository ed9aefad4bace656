// SPDX-License-Identifier: GPL-3.0-only
#include "config/own_places.h"

#include "base/absolute_path.h"
#include "config/data_key.h"
#include "config/env_register.h"
#include "config/settings.h"
#include "config/trusted_env.h"

#include <cstdlib>

namespace llmproxy {

namespace {

constexpr const char *secretFiles[] = {"ENCRYPTION_KEY_FILE", "MANAGEMENT_TOKEN_FILE", "TLS_KEY_FILE", "ALERT_WEBHOOKS_FILE", "AUDIT_ANCHORS_FILE"};

// The .env beside the data directory, those that other starts were given, and the files of secrets that they name: an engine that
// reads none of them, as that of run, finds its key there, and another start of the server reads them.
void addEnvFiles(const std::string &dataDir, std::vector<OwnPlace> &places)
{
    std::vector<std::string> envFiles = rememberedEnvFiles(dataDir);
    envFiles.push_back(envFileBeside(dataDir));
    for (const std::string &envFile : envFiles) {
        places.push_back({envFile, OwnPlace::Kind::File, ".env"});
        std::string ignored;
        const EnvFile file = readTrustedEnv(envFile, &ignored);
        for (const char *const name : secretFiles) {
            if (const std::string *const named = valueIn(file, name))
                places.push_back({pathNamedIn(envFile, *named), OwnPlace::Kind::File, "secrets"});
        }
    }
}

} // namespace

std::vector<OwnPlace> ownPlaces(const Settings &settings)
{
    using Kind = OwnPlace::Kind;
    std::vector<OwnPlace> places;
    const auto add = [&places](const std::string &path, Kind kind, const char *what) {
        if (!path.empty())
            places.push_back({absoluteBytes(path), kind, what});
    };
    add(settings.dataDir, Kind::Folder, "data directory");
    add(settings.envFile, Kind::File, ".env");
    add(settings.databasePath, Kind::Files, "database");
    add(settings.encryptionKeyFile, Kind::File, "encryption key");
    add(settings.managementTokenFile, Kind::File, "management token");
    add(settings.tlsKeyFile, Kind::File, "TLS key");
    add(settings.alertWebhooksFile, Kind::File, "webhooks");
    add(settings.auditAnchorsFile, Kind::File, "audit anchors");
    for (const OutsideTarget &anchor : settings.auditAnchors) {
        if (anchor.kind == OutsideTarget::Kind::File)
            add(anchor.path(), Kind::File, "audit anchors");
    }
    add(settings.auditLogFile, Kind::Files, "audit log");
    if (!settings.logFile.starts_with("/dev/"))
        add(settings.logFile, Kind::Files, "log");
    const char *const credentials = std::getenv("CREDENTIALS_DIRECTORY");
    for (const std::string &folder : {settings.secretsDir, std::string("/run/secrets"), std::string(credentials ? credentials : "")}) // $DATA_DIR/secrets lies in the first
        add(folder, Kind::Folder, "secrets");
    addEnvFiles(settings.dataDir, places);
    return places;
}

} // namespace llmproxy
