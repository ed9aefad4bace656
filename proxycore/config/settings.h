// SPDX-License-Identifier: GPL-3.0-only
// All settings, validated. Declared once in settings_table.cpp: name, type, default, range, secret or
// not, meaning; environment, .env, flags, --help, .env.example and this struct come from those lines.
// Thread: a value, read-only after start.
#pragma once

#include "access/cidr.h"
#include "config/listen_address.h"
#include "secrets/secret.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmproxy {

// Where something goes that must not stay on this machine alone.
struct OutsideTarget
{
    enum class Kind { Syslog, File, Web };
    Kind kind = Kind::Syslog;
    std::string shown; // "syslog", "file:/path", "https://host": a webhook's path may be a secret
    SharedSecret url;  // Web: the whole address
    std::string path() const { return shown.substr(5); } // File
};

struct Settings
{
    ListenAddresses listen;
    ListenAddresses httpListen; // empty: none
    std::string tlsCertFile, tlsKeyFile, tlsMinVersion = "1.2", tlsCiphers, acmeWebroot;
    std::vector<std::string> corsOrigins; // "https://app.example"; "*"
    bool allowInsecureListen = false;
    bool allowInsecureUpstream = false, allowLinkLocalUpstream = false;
    std::vector<std::string> referenceOrigins; // "https://llm.example:443": lower case, always with the port
    std::string dataDir, databasePath;
    std::string envFile;             // that was read; empty: none
    Secret managementToken;
    std::string managementTokenFile; // where it came from; empty: from elsewhere
    std::vector<Cidr> managementAllowedIps;
    Secret encryptionKey;            // decoded 32 bytes, or empty
    std::string encryptionKeyFile;
    bool auditEnabled = true;
    std::string auditLogFile;        // empty: no file
    unsigned auditFileMode = 0600;
    bool auditRefuseOnError = true, auditCreateDir = true, auditStoreInDb = true, auditMaskClientIp = false;
    bool auditMaskUnprefixedFull = false, auditEncryptRotated = false;
    int64_t auditRetentionMs = 0, auditMaxFileBytes = 0, auditFileRetentionMs = 0; // 0: off
    std::string auditFsync;          // management, always, never
    bool alertsEnabled = true, alertNewSources = true, alertUnusualHours = true;
    int64_t alertAuthFailures = 20, alertDeniedRequests = 50, alertVolumeFactor = 5; // 0: never
    std::vector<OutsideTarget> alertWebhooks;
    std::string alertWebhooksFile, auditAnchorsFile; // as managementTokenFile
    std::vector<OutsideTarget> auditAnchors; // each checkpoint goes there too
    std::string logLevel, logFormat, logFile; // logFormat: json, console, or empty = by terminal
    int logMaxSizeMb = 10, logMaxBackups = 5;
    int64_t logMaxAgeMs = 0; // 0: they are kept
    std::vector<Cidr> trustedProxies;
    std::string clientAddressHeader = "x-forwarded-for"; // lower case
    std::vector<std::string> allowedHosts; // lower case, no port, no trailing dot; ".example.com": all below it; "*"
    int64_t requestHeadTimeoutMs = 10'000, requestBodyTimeoutMs = 60'000, keepaliveTimeoutMs = 75'000;
    int64_t clientWriteTimeoutMs = 60'000;
    int64_t upstreamConnectTimeoutMs = 10'000, upstreamFirstByteTimeoutMs = 590'000,
            upstreamIdleTimeoutMs = 290'000;
    int64_t maxHeaderSize = 32 * 1024, maxHeaderCount = 100, maxTargetSize = 8 * 1024;
    int64_t maxRequestSize = 512'000'000, maxInspectedBody = 16 << 20;
    int64_t maxConnections = 10'000, maxConnectionsPerIp = 1000;
    bool maxConnectionsPerIpSet = false, ipRateLimitSet = false, authFailureLimitSet = false; // loopback is exempt unless set (ruling 13)
    int64_t tokenMaxLifetimeMs = 0, tokenDefaultLifetimeMs = 0;
    int tokenDefaultRateLimit = 600;   // per minute
    int ipRateLimit = 6000, authFailureLimit = 10; // per minute
    int64_t providerKeyMaxAgeMs = 0, managementTokenMaxAgeMs = 0;
    std::string apiConfigPath;
    int engineThreads = 0;
    std::string httpsProxy, httpProxy, allProxy, noProxy, sslCertFile; // allProxy has taken the place of those that are not set
    int64_t secretStaleMaxMs = 600'000;
    std::string secretsDir;
    int64_t drainTimeoutMs = 30'000;
    bool demo = false;

    // An engine that has started needs them no longer.
    void forgetSecrets()
    {
        managementToken = Secret();
        encryptionKey = Secret();
    }
};

struct SettingProblem
{
    std::string name;     // the variable
    std::string value;    // masked when secret
    std::string problem;  // what is wrong and what is accepted
    std::string source = {}; // where the value came from, "the environment", ".env, line 3"; empty: it was not given, or name says it
    std::string advice = {}; // how another source overrides it; empty: there is no better one than to change it where it stands
};

using SettingTexts = std::map<std::string, std::string>; // by variable name; never of a secret
using SecretTexts = std::map<std::string, SharedSecret>; // of secrets; null: it was given, and is kept no longer

struct SettingSources
{
    SettingTexts flags, environment;
    SecretTexts secrets;       // of the environment
    std::string envFilePath;   // empty: none is read
    bool envFileRequired = false; // named by --env: missing or unreadable is a problem
    // What is wrong with the profiles of API_CONFIG_PATH, or empty. Profiles are read by the folder "upstream".
    std::function<std::string(const std::string &path)> profilesProblem;
    // What is wrong with certificate, key and ciphers, whichever is set. TLS is the folder "front"'s.
    std::function<std::optional<SettingProblem>(const Settings &settings)> tlsProblem;
    // The addresses of a name in LISTEN_ADDR; none: it cannot be resolved. May block. Empty: no server starts with these settings, and
    // names are not looked up.
    std::function<std::vector<IpAddress>(const std::string &name)> lookUp;
    bool serve = false;        // --serve: DATA_DIR defaults to ./data and MANAGEMENT_TOKEN may be needed
    // False: a data directory that is only found in the working directory has no say in the settings.
    bool trustsWorkingDirectory = true;
    // Instead of what $DATA_DIR/settings.env has: would these do?
    std::optional<SettingTexts> saved = {};
};

struct LoadedSettings
{
    Settings settings;
    std::vector<SettingProblem> problems; // all of them; empty: good
    std::vector<std::string> warnings;    // sentences about .env, for the person who starts the program
    SettingTexts given;  // value as written; secrets are not here
    SettingTexts origin; // "flag", "environment", ".env", "saved", "default"
};

// Reads and validates everything; creates nothing.
LoadedSettings loadSettings(const SettingSources &sources);

// The data directory of the console and of commands elsewhere than in a server's folder.
std::string usualDataDir(const SettingTexts &environment);

// The saved values by themselves: no flag but DATA_DIR, no environment, no .env.
LoadedSettings loadAlone(const SettingSources &sources, const std::string &dataDir, const SettingTexts &saved);

// What a running engine was started with, and how the settings are read again, from all sources, with these saved values
// instead of the file's (none: with the file's). An empty load: nobody said where they came from.
struct SettingsInUse
{
    SettingTexts given, origin;
    std::function<LoadedSettings(const std::optional<SettingTexts> &saved)> load;
    // These saved values by themselves: what a start without flags, environment and .env would find. Empty: as loadAlone().
    std::function<LoadedSettings(const SettingTexts &saved)> loadAlone;
    std::function<void(const Settings &settings)> apply; // what takes effect at once; may be empty
};

// What a caller that is not local (ruling 50) may do to a saved setting.
enum class RemoteChange {
    No,
    Yes,
    Lower, // timeouts, rates and limits: only in the stricter direction
    Raise, // retention: only longer
};

// One declared line, for --help, .env.example, the settings reference and the architecture test.
struct SettingDeclaration
{
    std::string name;         // LISTEN_ADDR
    std::string defaultText;  // as printed; "" = none
    std::string accepts;      // "address:port", "duration, e.g. 30s", …
    std::string meaning;
    bool secret = false;      // no flag
    std::string group;        // "Network", "Audit", …: where people look for it
    bool needsRestart = true; // false: a saved value takes effect at once
    RemoteChange remote = RemoteChange::No;
    bool isZeroNoLimit = false; // Lower, Raise: 0 is more than any other value
};
const std::vector<SettingDeclaration> &settingDeclarations();
// LISTEN_ADDR → --listen-addr; empty for secrets.
std::string flagOf(const SettingDeclaration &declaration);
// The values, where it accepts a few words only: "true" and "false", or the words of "debug, info, warn or error". Empty: others too.
std::vector<std::string> choicesOf(const SettingDeclaration &declaration);
const SettingDeclaration *settingNamed(std::string_view name); // null: there is none
bool isSettingName(std::string_view name);
std::string_view nameOf(RemoteChange change); // "no", "yes", "lower", "raise"
// Why a caller that is not local may not change it from before to after, as a sentence; empty: it may, or the value is none at all.
// nullopt: not saved. Compared is what would be in use without other sources.
std::string whyNotRemote(const SettingDeclaration &declaration, const std::optional<std::string> &before, const std::optional<std::string> &after);
// These mean something else when they are set to their default: loopback is no longer exempt.
bool countsAsSet(std::string_view name);
// Why it may not stand in settings.env, as the end of a sentence; empty: it may.
std::string_view whyNotSaved(const SettingDeclaration &declaration);
inline bool isSavable(const SettingDeclaration &declaration) { return whyNotSaved(declaration).empty(); }
// An empty value that means something; elsewhere empty is unset.
bool hasMeaningEmpty(std::string_view name);
// Beside the one whose empty value turns the log file off, an empty value of this one could be meant to turn the table off: an error.
bool isEmptyRefused(std::string_view name);
// An environment variable that this program reads: of a setting (whatever its case), of a secret's file or predecessor, or of a
// library, systemd or a source of secrets. A reference never names one (ruling 50).
bool isOwnVariable(std::string_view name);
// Those of them that hold a secret: no command that is started for somebody inherits one.
bool isOwnSecretVariable(std::string_view name);
// What is wrong with the value taken alone, and what is accepted; empty: nothing.
std::string settingProblem(std::string_view name, const std::string &value);
// A name and what is said of it as one sentence: "MANAGEMENT_TOKEN is not set", "LISTEN_ADDR: address:port is accepted".
std::string aboutSetting(const std::string &name, const std::string &problem);
// After access(2) failed, from errno: "the file does not exist".
std::string whyUnreadable(const char *what = "file");
std::string envExample();     // the text of .env.example

bool isSecretSetting(std::string_view name);

// Strict value readers, nullopt when not exactly the form. Also used for CLI arguments.
std::optional<int64_t> parseDurationMs(std::string_view text); // 500ms 30s 15m 2h 30d
std::optional<int64_t> parseSize(std::string_view text);       // 64KiB 10MB 512B; 0 needs no unit
std::optional<bool> parseBool(std::string_view text);          // true/false/1/0/yes/no/on/off, any case
std::optional<int> parseRatePerMinute(std::string_view text);  // "600/m", "10/s" (×60), "600", "0"

} // namespace llmproxy
