// SPDX-License-Identifier: GPL-3.0-only
#include "access/host_rules.h"
#include "config/secret_file.h"
#include "config/setting_sources.h"
#include "secrets/key_ring.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr const char *hidden = "********";

bool exists(const std::string &path)
{
    return access(path.c_str(), F_OK) == 0;
}

// What names the secret's file (MANAGEMENT_TOKEN_FILE). ENCRYPTION_KEY_FILE is the key ring's to read.
std::optional<GivenText> fileOf(const std::string &name, const SettingFinder &finder)
{
    const std::string fileName = fileSettingOf(name);
    const auto row = std::find_if(settingRows().begin(), settingRows().end(), [&](const SettingRow &one) { return one.name == fileName; });
    return row == settingRows().end() || name == "ENCRYPTION_KEY" ? std::nullopt : finder.text(*row);
}

GivenSecret readNamedFile(const std::string &name, const GivenText &path, LoadedSettings *loaded)
{
    SecretFile read = readSecretFile(path.value);
    if (!read.problem.empty())
        loaded->problems.push_back({fileSettingOf(name), path.value, "the file " + read.problem});
    return GivenSecret{std::move(read.text), path.origin, path.place, path.value};
}

void storeSecret(const SettingRow &row, const SettingFinder &finder, LoadedSettings *loaded)
{
    auto given = finder.secret(row);
    const auto rankOf = [](const std::string &origin) { return origin == "flag" ? 0 : origin == "environment" ? 1 : 2; };
    if (auto path = fileOf(row.name, finder); path && given && rankOf(path->origin) == rankOf(given->origin))
        loaded->problems.push_back({fileSettingOf(row.name), path->value, row.name + " is set in the same place too; give one of them"});
    else if (path && (!given || rankOf(path->origin) < rankOf(given->origin)))
        given = readNamedFile(row.name, *path, loaded);
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

void storeText(const SettingRow &row, const SettingFinder &finder, LoadedSettings *loaded)
{
    const auto given = finder.text(row);
    loaded->origin[row.name] = given ? given->origin : "default";
    if (given) {
        loaded->given[row.name] = given->value;
        if (const std::string problem = row.store(given->value, loaded->settings); !problem.empty() && given->value.empty())
            loaded->problems.push_back({row.name, "", "is empty; " + problem});
        else if (!problem.empty())
            loaded->problems.push_back({row.name, given->value, problem});
    } else if (!row.defaultText.empty()) {
        // The default goes the same way as a value, but does not count as set.
        row.store(row.defaultText, loaded->settings);
    }
}

// Whoever reads a problem is told which source to change.
void nameSources(const SettingFinder &finder, LoadedSettings *loaded)
{
    for (SettingProblem &problem : loaded->problems) {
        const auto row = std::find_if(settingRows().begin(), settingRows().end(), [&](const SettingRow &one) { return one.name == problem.name; });
        if (row == settingRows().end() || !problem.source.empty())
            continue;
        std::string origin;
        if (row->secret) {
            const auto given = finder.secret(*row);
            origin = given ? given->origin : "";
            problem.source = given ? given->place : "";
        } else if (const auto given = finder.text(*row)) {
            origin = given->origin;
            problem.source = given->place;
        }
        problem.advice = finder.adviceFor(*row, origin);
    }
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

// Whatever of it is set is checked, also where the rest is missing.
void checkTls(LoadedSettings *loaded, const SettingSources &sources)
{
    const Settings &s = loaded->settings;
    if (s.tlsCertFile.empty() != s.tlsKeyFile.empty())
        loaded->problems.push_back({s.tlsCertFile.empty() ? "TLS_CERT_FILE" : "TLS_KEY_FILE", "",
                                    std::string("is not set, and ") + (s.tlsCertFile.empty() ? "TLS_KEY_FILE" : "TLS_CERT_FILE") + " is; set both, or neither"});
    const bool isAnySet = !s.tlsCertFile.empty() || !s.tlsKeyFile.empty() || !s.tlsCiphers.empty();
    if (!isAnySet || !sources.tlsProblem)
        return;
    if (const auto wrong = sources.tlsProblem(s))
        loaded->problems.push_back(*wrong);
}

void lookUpNames(LoadedSettings *loaded, const SettingSources &sources, const char *setting, ListenAddresses &all)
{
    for (ListenAddress &one : all) {
        if (!one.addresses.empty() || !sources.lookUp)
            continue;
        one.addresses = sources.lookUp(one.host);
        if (one.addresses.empty())
            loaded->problems.push_back({setting, listenText(all), "the name " + one.host + " cannot be resolved; give an address, or add the name to /etc/hosts or DNS"});
    }
}

void checkListen(LoadedSettings *loaded, const SettingSources &sources)
{
    Settings &s = loaded->settings;
    lookUpNames(loaded, sources, "LISTEN_ADDR", s.listen);
    lookUpNames(loaded, sources, "HTTP_LISTEN_ADDR", s.httpListen);
    const bool tls = !s.tlsCertFile.empty() && !s.tlsKeyFile.empty();
    if (!s.httpListen.empty() && !tls)
        loaded->problems.push_back({"HTTP_LISTEN_ADDR", listenText(s.httpListen), "it is the plain listener beside TLS: give TLS_CERT_FILE and TLS_KEY_FILE too"});
    ListenAddresses others = forOtherMachines(s.listen);
    std::erase_if(others, [](const ListenAddress &one) { return one.isName(); }); // judged where a server starts
    if (others.empty() || s.allowInsecureListen || tls)
        return;
    loaded->problems.push_back({"LISTEN_ADDR", listenText(s.listen), "without TLS, other machines would send tokens in clear to " + listenText(others, ", ")
                                + "; give TLS_CERT_FILE and TLS_KEY_FILE, or allow it with ALLOW_INSECURE_LISTEN=true"});
}

// What single values cannot show.
void checkTogether(LoadedSettings *loaded, const SettingSources &sources)
{
    const auto isGiven = [&](const char *name) { return loaded->origin[name] != "default"; };
    Settings &s = loaded->settings;
    const auto problem = [&](const char *name, const std::string &value, const std::string &text) { loaded->problems.push_back({name, value, text}); };
    checkOutside(loaded, "ALERT_WEBHOOKS", s.alertWebhooks);
    checkOutside(loaded, "AUDIT_ANCHORS", s.auditAnchors);
    checkTls(loaded, sources);
    checkListen(loaded, sources);
    if (!s.acmeWebroot.empty() && access(s.acmeWebroot.c_str(), R_OK | X_OK) != 0)
        problem("ACME_WEBROOT", s.acmeWebroot, whyUnreadable("folder"));
    if (!s.encryptionKey.isEmpty() && !s.encryptionKeyFile.empty())
        problem("ENCRYPTION_KEY_FILE", s.encryptionKeyFile, "ENCRYPTION_KEY is set too; give one of them");
    if (!s.encryptionKeyFile.empty()) {
        if (const auto key = loadMasterKey({}, s.encryptionKeyFile, s.dataDir, false); !key)
            problem("ENCRYPTION_KEY_FILE", s.encryptionKeyFile, key.error().message);
    }
    if (!s.apiConfigPath.empty() && access(s.apiConfigPath.c_str(), R_OK) != 0) {
        problem("API_CONFIG_PATH", s.apiConfigPath, whyUnreadable());
    } else if (!s.apiConfigPath.empty() && sources.profilesProblem) {
        if (const std::string text = sources.profilesProblem(s.apiConfigPath); !text.empty())
            problem("API_CONFIG_PATH", s.apiConfigPath, text);
    }
    if (!s.sslCertFile.empty() && access(s.sslCertFile.c_str(), R_OK) != 0)
        problem("SSL_CERT_FILE", s.sslCertFile, whyUnreadable());
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

std::string whyUnreadable(const char *what)
{
    const int error = errno;
    const std::string name = std::string("the ") + what;
    return error == ENOENT ? name + " does not exist" : name + " cannot be read: " + std::strerror(error);
}

std::string aboutSetting(const std::string &name, const std::string &problem)
{
    constexpr std::string_view predicates[] = {"is ", "cannot ", "can be ", "belongs "};
    const bool isPredicate = std::any_of(std::begin(predicates), std::end(predicates), [&](std::string_view begin) { return problem.starts_with(begin); });
    return name + (isPredicate ? " " : ": ") + problem;
}

LoadedSettings loadSettings(const SettingSources &sources)
{
    LoadedSettings loaded;
    const SettingFinder finder(sources, &loaded);
    for (const SettingRow &row : settingRows())
        row.secret ? storeSecret(row, finder, &loaded) : storeText(row, finder, &loaded);
    Settings &settings = loaded.settings;
    const auto isDefault = [&](const char *name) { return loaded.origin[name] == "default"; };
    settings.maxConnectionsPerIpSet = !isDefault("MAX_CONNECTIONS_PER_IP");
    settings.ipRateLimitSet = !isDefault("IP_RATE_LIMIT");
    settings.authFailureLimitSet = !isDefault("AUTH_FAILURE_LIMIT");
    if (settings.dataDir.empty())
        settings.dataDir = finder.defaultDataDir();
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
    nameSources(finder, &loaded);
    return loaded;
}

LoadedSettings loadAlone(const SettingSources &sources, const std::string &dataDir, const SettingTexts &saved)
{
    SettingSources alone;
    alone.flags["DATA_DIR"] = dataDir;
    alone.profilesProblem = sources.profilesProblem;
    alone.tlsProblem = sources.tlsProblem;
    alone.lookUp = sources.lookUp;
    alone.serve = sources.serve;
    alone.saved = saved;
    return loadSettings(alone);
}

} // namespace llmproxy
