// SPDX-License-Identifier: GPL-3.0-only
#include "config/saved_settings.h"
#include "access/host_rules.h"
#include "base/ascii.h"
#include "config/secret_file.h"
#include "config/settings_table.h"

#include "secrets/key_ring.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace llmproxy {

std::string ListenAddress::text() const
{
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string urlOfListen(const std::string &address, bool tls)
{
    const size_t colon = address.rfind(':');
    const std::string port = colon == std::string::npos ? "" : address.substr(colon);
    std::string host = address.substr(0, colon);
    if (host == "0.0.0.0" || host.empty())
        host = "127.0.0.1";
    else if (host == "[::]" || host == "::")
        host = "[::1]";
    return (tls ? "https://" : "http://") + host + port;
}

namespace {

constexpr const char *hidden = "********";

struct Given
{
    std::string value, origin;
};

struct GivenSecret
{
    SharedSecret value; // null: as in SecretTexts
    std::string origin;
    std::string path = {}; // of the file that holds it; empty: none
};

struct EnvFileValues
{
    SettingTexts texts;
    SecretTexts secrets;
};

bool exists(const std::string &path)
{
    return access(path.c_str(), F_OK) == 0;
}

// No stream: its buffer would keep what it read.
std::string readWhole(const std::string &path)
{
    std::string text;
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about{};
    if (fd >= 0 && fstat(fd, &about) == 0)
        text.resize(static_cast<size_t>(about.st_size));
    size_t size = 0;
    while (fd >= 0 && size < text.size()) {
        const ssize_t got = read(fd, text.data() + size, text.size() - size);
        if (got <= 0)
            break;
        size += static_cast<size_t>(got);
    }
    if (fd >= 0)
        close(fd);
    text.resize(size);
    return text;
}

EnvFileValues readEnvFile(const SettingSources &sources, LoadedSettings *loaded)
{
    EnvFileValues values;
    const std::string &path = sources.envFilePath;
    if (path.empty() || (!exists(path) && !sources.envFileRequired))
        return values;
    if (const std::string problem = distrustOfFile(path); !problem.empty()) {
        loaded->problems.push_back({path, "", problem});
        return values;
    }
    loaded->settings.envFile = path;
    std::string text = readWhole(path);
    const EnvFile file = parseEnvFile(text);
    wipe(text.data(), text.size());
    for (const std::string &problem : file.problems)
        loaded->problems.push_back({path, "", problem});
    for (const auto &[name, value] : file.values) {
        if (isSecretSetting(name))
            values.secrets[name] = std::make_shared<const Secret>(value);
        else
            values.texts[name] = value;
    }
    return values;
}

// Set but empty is unset.
std::optional<GivenSecret> findSecret(const SettingRow &row, const SettingSources &sources, const EnvFileValues &file)
{
    const auto look = [&](const SecretTexts &from, const char *origin) -> std::optional<GivenSecret> {
        const auto found = from.find(row.name);
        if (found == from.end() || (found->second && found->second->isEmpty()))
            return std::nullopt;
        return GivenSecret{found->second, origin, {}};
    };
    if (auto given = look(sources.secrets, "environment"))
        return given;
    return look(file.secrets, ".env");
}

std::optional<Given> findValue(const SettingRow &row, const SettingSources &sources, const SettingTexts &file, const SettingTexts &saved)
{
    // Set but empty is unset, but for the one setting where empty has a meaning.
    const bool emptyCounts = hasMeaningEmpty(row.name);
    const auto look = [&](const SettingTexts &from, const std::string &name, const char *origin) -> std::optional<Given> {
        const auto found = from.find(name);
        if (found == from.end() || (found->second.empty() && !emptyCounts))
            return std::nullopt;
        // Container tools hand quotes on as they stand in their files.
        const bool quotedEmpty = emptyCounts && (found->second == "\"\"" || found->second == "''");
        return Given{quotedEmpty ? std::string() : found->second, origin};
    };
    if (auto given = look(sources.flags, row.name, "flag"))
        return given;
    const auto lookInside = [&](const SettingTexts &from, const char *origin) {
        auto given = row.name.ends_with("_PROXY") ? look(from, lowerCased(row.name), origin) : std::nullopt; // as curl: lower case goes first
        return given ? given : look(from, row.name, origin);
    };
    if (auto given = lookInside(sources.environment, "environment"))
        return given;
    // Who names a data directory means what is in it, not the files that some folder's .env names.
    const bool isInDataDir = row.name == "DATABASE_PATH" || row.name == "AUDIT_LOG_FILE";
    const auto dataDir = sources.flags.find("DATA_DIR");
    const bool isOverruled = isInDataDir && dataDir != sources.flags.end() && !dataDir->second.empty();
    if (auto given = isOverruled ? std::nullopt : lookInside(file, ".env"))
        return given;
    return isSavable(row) ? look(saved, row.name, "saved") : std::nullopt;
}

// The secret of a file that a setting names (MANAGEMENT_TOKEN_FILE). ENCRYPTION_KEY_FILE is the key ring's to read.
std::optional<GivenSecret> readNamedFile(const std::string &name, const SettingSources &sources, const EnvFileValues &file, LoadedSettings *loaded)
{
    const std::string fileName = fileSettingOf(name);
    const auto row = std::find_if(settingRows().begin(), settingRows().end(), [&](const SettingRow &one) { return one.name == fileName; });
    if (row == settingRows().end() || name == "ENCRYPTION_KEY")
        return std::nullopt;
    const auto path = findValue(*row, sources, file.texts, {});
    if (!path)
        return std::nullopt;
    SecretFile read = readSecretFile(path->value);
    if (!read.problem.empty())
        loaded->problems.push_back({fileName, path->value, "the file " + read.problem});
    return GivenSecret{std::move(read.text), path->origin, path->value};
}

void storeSecret(const SettingRow &row, const SettingSources &sources, const EnvFileValues &file, LoadedSettings *loaded)
{
    auto given = findSecret(row, sources, file);
    if (auto named = readNamedFile(row.name, sources, file, loaded)) {
        if (given)
            loaded->problems.push_back({fileSettingOf(row.name), named->path, row.name + " is set too; give one of them"});
        else
            given = std::move(named);
    }
    loaded->origin[row.name] = given ? given->origin : "default";
    if (!given || !given->value)
        return;
    std::string text(given->value->reveal());
    const std::string problem = row.store(text, loaded->settings);
    wipe(text.data(), text.size());
    if (!problem.empty() && given->path.empty())
        loaded->problems.push_back({row.name, hidden, problem});
    else if (!problem.empty())
        loaded->problems.push_back({fileSettingOf(row.name), given->path, "its content is not accepted: " + problem});
}

std::string defaultDataDir(const SettingSources &sources)
{
    if (sources.serve || exists("./data/llm-proxy.db"))
        return "./data";
    const auto value = [&](const char *name) {
        const auto found = sources.environment.find(name);
        return found == sources.environment.end() ? std::string() : found->second;
    };
    const std::string data = value("XDG_DATA_HOME");
    return (data.empty() ? value("HOME") + "/.local/share" : data) + "/llm-proxy";
}

std::string withoutSlashes(std::string path)
{
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path;
}

// What was saved in the data directory, or is to be tried instead. The directory itself is known from the other sources.
SettingTexts readSaved(const SettingSources &sources, const SettingTexts &file, LoadedSettings *loaded)
{
    const auto isDataDir = [](const SettingRow &row) { return row.name == "DATA_DIR"; };
    const auto row = std::find_if(settingRows().begin(), settingRows().end(), isDataDir);
    const auto given = findValue(*row, sources, file, {});
    if (!given && !sources.trustsWorkingDirectory && defaultDataDir(sources) == "./data")
        return {};
    const std::string path = savedSettingsPath(withoutSlashes(given ? given->value : defaultDataDir(sources)));
    SavedSettings saved;
    if (sources.saved)
        saved.values = *sources.saved;
    else
        saved = readSavedSettings(path);
    for (const auto &problems : {saved.problems, checkSavedNames(saved.values, path)})
        loaded->problems.insert(loaded->problems.end(), problems.begin(), problems.end());
    return std::move(saved.values);
}

// The origins of a list of webhooks or anchors, as base URLs are judged; names are judged where they are dialled.
void checkOutside(LoadedSettings *loaded, const char *name, const std::vector<OutsideTarget> &targets)
{
    for (const OutsideTarget &target : targets) {
        if (target.kind != OutsideTarget::Kind::Web)
            continue;
        std::string host = target.shown.substr(target.shown.find("://") + 3);
        if (const size_t colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos)
            host.resize(colon);
        const HostVerdict verdict = judgeHost(host, false, {loaded->settings.allowLinkLocalUpstream, false});
        if (verdict == HostVerdict::Metadata)
            loaded->problems.push_back({name, target.shown, "a cloud metadata address is never connected to"});
        else if (verdict == HostVerdict::LinkLocal)
            loaded->problems.push_back({name, target.shown, "a link-local address is refused; set ALLOW_LINK_LOCAL_UPSTREAM=true to allow it"});
    }
}

// What single values cannot show.
void checkTogether(LoadedSettings *loaded, const SettingSources &sources)
{
    const auto isGiven = [&](const char *name) { return loaded->origin[name] != "default"; };
    Settings &s = loaded->settings;
    const auto problem = [&](const char *name, const std::string &value, const std::string &text) { loaded->problems.push_back({name, value, text}); };
    checkOutside(loaded, "ALERT_WEBHOOKS", s.alertWebhooks);
    checkOutside(loaded, "AUDIT_ANCHORS", s.auditAnchors);
    const auto address = IpAddress::parse(s.listen.host);
    const bool tls = !s.tlsCertFile.empty() && !s.tlsKeyFile.empty();
    if (s.tlsCertFile.empty() != s.tlsKeyFile.empty())
        problem(s.tlsCertFile.empty() ? "TLS_CERT_FILE" : "TLS_KEY_FILE", "", "certificate and key are given together");
    else if (tls && sources.tlsProblem) {
        if (const auto wrong = sources.tlsProblem(s))
            loaded->problems.push_back(*wrong);
    }
    if (!s.httpListen.host.empty() && !tls)
        problem("HTTP_LISTEN_ADDR", s.httpListen.text(), "it is the plain listener beside TLS: give TLS_CERT_FILE and TLS_KEY_FILE too");
    if (!s.acmeWebroot.empty() && access(s.acmeWebroot.c_str(), R_OK | X_OK) != 0)
        problem("ACME_WEBROOT", s.acmeWebroot, "the folder cannot be read");
    if (address && !address->isLoopback() && !s.allowInsecureListen && !tls)
        problem("LISTEN_ADDR", s.listen.text(),
                "a non-loopback address without TLS would send tokens in clear; set ALLOW_INSECURE_LISTEN=true to allow it");
    if (!s.encryptionKey.isEmpty() && !s.encryptionKeyFile.empty())
        problem("ENCRYPTION_KEY_FILE", s.encryptionKeyFile, "ENCRYPTION_KEY is set too; give one of them");
    if (!s.encryptionKeyFile.empty()) {
        if (const auto key = loadMasterKey({}, s.encryptionKeyFile, s.dataDir, false); !key)
            problem("ENCRYPTION_KEY_FILE", s.encryptionKeyFile, key.error().message);
    }
    if (!s.apiConfigPath.empty() && access(s.apiConfigPath.c_str(), R_OK) != 0) {
        problem("API_CONFIG_PATH", s.apiConfigPath, "the file cannot be read");
    } else if (!s.apiConfigPath.empty() && sources.profilesProblem) {
        if (const std::string text = sources.profilesProblem(s.apiConfigPath); !text.empty())
            problem("API_CONFIG_PATH", s.apiConfigPath, text);
    }
    if (!s.sslCertFile.empty() && access(s.sslCertFile.c_str(), R_OK) != 0)
        problem("SSL_CERT_FILE", s.sslCertFile, "the file cannot be read");
    if (s.auditEnabled && s.auditLogFile.empty() && !s.auditStoreInDb)
        problem("AUDIT_STORE_IN_DB", "false", "AUDIT_LOG_FILE is empty too: audit needs a file or the table, or AUDIT_ENABLED=false");
    const size_t slash = s.auditLogFile.rfind('/');
    if (s.auditEnabled && isGiven("AUDIT_LOG_FILE") && !s.auditCreateDir && slash != std::string::npos && slash > 0 && !exists(s.auditLogFile.substr(0, slash)))
        problem("AUDIT_LOG_FILE", s.auditLogFile, "its folder does not exist, and AUDIT_CREATE_DIR is false");
    if (s.tokenDefaultLifetimeMs > s.tokenMaxLifetimeMs)
        isGiven("TOKEN_DEFAULT_LIFETIME") || !isGiven("TOKEN_MAX_LIFETIME")
            ? problem("TOKEN_DEFAULT_LIFETIME", loaded->given["TOKEN_DEFAULT_LIFETIME"], "it is longer than TOKEN_MAX_LIFETIME")
            : problem("TOKEN_MAX_LIFETIME", loaded->given["TOKEN_MAX_LIFETIME"],
                      "it is shorter than TOKEN_DEFAULT_LIFETIME, which is 24h; set that one too");
}

} // namespace

LoadedSettings loadSettings(const SettingSources &sources)
{
    LoadedSettings loaded;
    const EnvFileValues file = readEnvFile(sources, &loaded);
    const SettingTexts saved = readSaved(sources, file.texts, &loaded);
    for (const SettingRow &row : settingRows()) {
        if (row.secret) {
            storeSecret(row, sources, file, &loaded);
            continue;
        }
        const auto given = findValue(row, sources, file.texts, saved);
        loaded.origin[row.name] = given ? given->origin : "default";
        if (!given) {
            if (row.defaultText.empty())
                continue;
            // The default goes the same way as a value, but does not count as set.
            row.store(row.defaultText, loaded.settings);
            continue;
        }
        loaded.given[row.name] = given->value;
        if (const std::string problem = row.store(given->value, loaded.settings); !problem.empty())
            loaded.problems.push_back({row.name, given->value, problem});
    }
    Settings &settings = loaded.settings;
    const auto isDefault = [&](const char *name) { return loaded.origin[name] == "default"; };
    settings.maxConnectionsPerIpSet = !isDefault("MAX_CONNECTIONS_PER_IP");
    settings.ipRateLimitSet = !isDefault("IP_RATE_LIMIT");
    settings.authFailureLimitSet = !isDefault("AUTH_FAILURE_LIMIT");
    if (settings.dataDir.empty())
        settings.dataDir = defaultDataDir(sources);
    settings.dataDir = withoutSlashes(std::move(settings.dataDir));
    if (settings.databasePath.empty())
        settings.databasePath = settings.dataDir + "/llm-proxy.db";
    if (isDefault("AUDIT_LOG_FILE"))
        settings.auditLogFile = settings.dataDir + "/audit.log";
    for (std::string *proxy : {&settings.httpsProxy, &settings.httpProxy}) {
        if (proxy->empty())
            *proxy = settings.allProxy;
    }
    if (settings.engineThreads == 0)
        settings.engineThreads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 4u));
    checkTogether(&loaded, sources);
    return loaded;
}

LoadedSettings loadAlone(const SettingSources &sources, const std::string &dataDir, const SettingTexts &saved)
{
    SettingSources alone;
    alone.flags["DATA_DIR"] = dataDir;
    alone.profilesProblem = sources.profilesProblem;
    alone.tlsProblem = sources.tlsProblem;
    alone.serve = sources.serve;
    alone.saved = saved;
    return loadSettings(alone);
}

} // namespace llmproxy
