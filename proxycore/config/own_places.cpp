// SPDX-License-Identifier: GPL-3.0-only
#include "config/own_places.h"

#include "config/settings.h"

#include <cstdlib>
#include <filesystem>

namespace llmproxy {

std::vector<OwnPlace> ownPlaces(const Settings &settings)
{
    using Kind = OwnPlace::Kind;
    std::vector<OwnPlace> places;
    std::error_code error;
    const auto add = [&places, &error](const std::string &path, Kind kind, const char *what) {
        if (!path.empty())
            places.push_back({std::filesystem::absolute(path, error).lexically_normal().string(), kind, what}); // its bytes may be no UTF-8
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
    return places;
}

} // namespace llmproxy
