// SPDX-License-Identifier: GPL-3.0-only
// Every setting, by group. What takes effect at once says so; everything else is read at the start.
#include "config/setting_values.h"

#include <algorithm>

namespace llmproxy {

namespace {

using S = Settings;
using namespace reads;
using Rows = std::vector<SettingRow>;

constexpr int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

SettingRow row(const char *name, const char *standard, const char *accepts, const char *meaning, Store store, bool secret = false)
{
    return {{name, standard, accepts, meaning, secret, {}, true, RemoteChange::No, false}, std::move(store)};
}

SettingRow atOnce(SettingRow row)
{
    row.needsRestart = false;
    return row;
}

// What a caller that is not local may change; the rest of the table it may only see.
SettingRow remotely(RemoteChange change, SettingRow row, bool isZeroNoLimit = false)
{
    row.remote = change;
    row.isZeroNoLimit = isZeroNoLimit;
    return row;
}

SettingRow anyhow(SettingRow row)
{
    return remotely(RemoteChange::Yes, std::move(row));
}

SettingRow lower(SettingRow row)
{
    return remotely(RemoteChange::Lower, std::move(row));
}

SettingRow lowerRate(SettingRow row)
{
    return remotely(RemoteChange::Lower, std::move(row), true);
}

SettingRow longer(SettingRow row)
{
    return remotely(RemoteChange::Raise, std::move(row), true);
}

Rows networkRows()
{
    return {
        row("LISTEN_ADDR", "127.0.0.1:8080", "list of address:port", "addresses or host names of the data plane and management; [::] accepts IPv6 and IPv4, port 0 takes a free one", listen),
        row("ALLOW_INSECURE_LISTEN", "false", "boolean", "allow a non-loopback address without TLS", flag(&S::allowInsecureListen)),
        row("TRUSTED_PROXIES", "", "list of networks", "addresses of the proxies in front; CLIENT_ADDRESS_HEADER, X-Forwarded-Proto and X-Forwarded-Host are trusted from these only", networks(&S::trustedProxies)),
        row("CLIENT_ADDRESS_HEADER", "X-Forwarded-For", "X-Forwarded-For, X-Real-IP or Forwarded", "header in which trusted proxies name the client's address", clientAddressHeader),
        row("ALLOWED_HOSTS", "", "list of names", "additional Host names that are served; *.example.com is all names below it, * is all; others get 421", hosts),
        row("CORS_ALLOWED_ORIGINS", "", "list of origins", "web pages of these origins may call; null and file:// are pages without one; * is all", origins),
        lower(row("REQUEST_HEAD_TIMEOUT", "10s", "duration", "a request head must arrive within", duration(&S::requestHeadTimeoutMs, 10, hour))),
        lower(row("REQUEST_BODY_TIMEOUT", "60s", "duration", "a request body may pause this long", duration(&S::requestBodyTimeoutMs, 10, hour))),
        lower(row("KEEPALIVE_TIMEOUT", "75s", "duration", "an idle client connection is closed after", duration(&S::keepaliveTimeoutMs, 10, hour))),
        lower(row("CLIENT_WRITE_TIMEOUT", "60s", "duration", "a client that reads nothing is dropped after", duration(&S::clientWriteTimeoutMs, 10, hour))),
    };
}

Rows tlsRows()
{
    return {
        row("TLS_CERT_FILE", "", "file", "HTTPS: PEM certificate and its chain; read again when it changes", text(&S::tlsCertFile)),
        row("TLS_KEY_FILE", "", "file", "HTTPS: its PEM key", text(&S::tlsKeyFile)),
        row("TLS_MIN_VERSION", "1.2", "1.2 or 1.3", "oldest TLS that clients may speak", choice(&S::tlsMinVersion, {"1.2", "1.3"})),
        row("TLS_CIPHERS", "", "OpenSSL cipher list", "of TLS 1.2; Mozilla intermediate when unset", text(&S::tlsCiphers)),
        row("HTTP_LISTEN_ADDR", "", "list of address:port", "plain listeners beside TLS: ACME challenges, all else is sent to https", httpListen),
        row("ACME_WEBROOT", "", "folder", "serves /.well-known/acme-challenge/ from it, for certbot --webroot", text(&S::acmeWebroot)),
    };
}

Rows storageRows()
{
    return {
        row("DATA_DIR", "", "folder", "holds everything below; --serve: ./data", text(&S::dataDir)),
        row("DATABASE_PATH", "", "file", "SQLite file; $DATA_DIR/llm-proxy.db. --data-dir overrides a value in .env", text(&S::databasePath)),
        row("ENCRYPTION_KEY", "", "base64 of 32 bytes", "encrypts provider keys at rest; for a database that exists also taken from the .env beside DATA_DIR, when it is the right one", encryptionKey, true),
        row("ENCRYPTION_KEY_FILE", "", "file", "the same, from a file that others cannot read", text(&S::encryptionKeyFile)),
    };
}

Rows managementRows()
{
    return {
        row("MANAGEMENT_TOKEN", "", "at least 32 characters", "the management API's credential", managementToken, true),
        row("MANAGEMENT_TOKEN_FILE", "", "file", "file to read MANAGEMENT_TOKEN from, such as a mounted secret", text(&S::managementTokenFile)),
        row("MANAGEMENT_ALLOWED_IPS", "loopback", "list of networks", "who may use /manage", networks(&S::managementAllowedIps)),
        lower(row("MANAGEMENT_TOKEN_MAX_AGE", "90d", "duration", "an older management token fails its check", duration(&S::managementTokenMaxAgeMs, day, 3650 * day))),
    };
}

Rows auditRows()
{
    return {
        row("AUDIT_ENABLED", "true", "boolean", "audit at all", flag(&S::auditEnabled)),
        row("AUDIT_LOG_FILE", "", "file, or \"\" for none", "JSONL file; $DATA_DIR/audit.log", text(&S::auditLogFile)),
        row("AUDIT_FILE_MODE", "0600", "0600 or 0640", "mode of the audit log and LOG_FILE", fileMode),
        row("AUDIT_ON_ERROR", "refuse", "refuse or log", "what happens when audit events cannot be written: refuse changes, and requests that neither file nor table can record; or log it and go on", onError),
        row("AUDIT_CREATE_DIR", "true", "boolean", "create missing parent folders of AUDIT_LOG_FILE", flag(&S::auditCreateDir)),
        row("AUDIT_STORE_IN_DB", "true", "boolean", "rows in the table audit_events", flag(&S::auditStoreInDb)),
        row("AUDIT_MASK_CLIENT_IP", "false", "boolean", "zero the last octet of IPv4, the last 80 bits of IPv6", flag(&S::auditMaskClientIp)),
        row("AUDIT_MASK_UNPREFIXED", "partial", "partial or full", "how values without a known prefix are masked", maskUnprefixed),
        longer(row("AUDIT_RETENTION", "90d", "duration, 0 keeps them", "audit rows older than this are deleted, in batches of 1000", duration(&S::auditRetentionMs, 0, 100 * 366 * day))),
        row("AUDIT_MAX_FILE_SIZE", "100MB", "size, 0 turns it off", "the audit log is rotated at this size and daily, and compressed; off: logrotate's to do", size(&S::auditMaxFileBytes, 0, int64_t{1} << 40)),
        longer(row("AUDIT_FILE_RETENTION", "90d", "duration, 0 keeps them", "rotated audit logs are removed at this age", duration(&S::auditFileRetentionMs, 0, 100 * 366 * day))),
        row("AUDIT_ENCRYPT_ROTATED", "false", "boolean", "rotated audit logs are encrypted, too; llm-proxy audit decrypt opens one", flag(&S::auditEncryptRotated)),
        row("AUDIT_FSYNC", "management", "management, always or never", "when the audit log is fsynced", choice(&S::auditFsync, {"management", "always", "never"})),
        row("AUDIT_ANCHORS", "", "list of syslog, file:/path, https://…", "each signed checkpoint goes there too, so that a cut tail is found", outside(&S::auditAnchors, false), true),
        row("AUDIT_ANCHORS_FILE", "", "file", "file to read AUDIT_ANCHORS from", text(&S::auditAnchorsFile)),
    };
}

Rows alertsRows()
{
    return {
        row("ALERTS_ENABLED", "true", "boolean", "what looks wrong in the stream of events is raised as alert.raise", flag(&S::alertsEnabled)),
        anyhow(row("ALERT_AUTH_FAILURES", "20", "0 to 1000000", "failed authentications of one address in ten minutes; 0: never", number(&S::alertAuthFailures, 0, 1'000'000))),
        anyhow(row("ALERT_DENIED_REQUESTS", "50", "0 to 1000000", "denied requests of one token in five minutes; 0: never", number(&S::alertDeniedRequests, 0, 1'000'000))),
        anyhow(row("ALERT_VOLUME_FACTOR", "5", "0 to 1000", "requests in an hour, times those of the token's busiest hour before; 0: never", number(&S::alertVolumeFactor, 0, 1000))),
        row("ALERT_NEW_SOURCES", "true", "boolean", "a token's first use from an address or by a client", flag(&S::alertNewSources)),
        row("ALERT_UNUSUAL_HOURS", "true", "boolean", "use around an hour of the day in which a token never was used", flag(&S::alertUnusualHours)),
        row("ALERT_WEBHOOKS", "", "list of https://…", "each alert is posted there as JSON, signed like a checkpoint", outside(&S::alertWebhooks, true), true),
        row("ALERT_WEBHOOKS_FILE", "", "file", "file to read ALERT_WEBHOOKS from", text(&S::alertWebhooksFile)),
    };
}

Rows loggingRows()
{
    return {
        anyhow(atOnce(row("LOG_LEVEL", "info", "debug, info, warn or error", "application log", choice(&S::logLevel, {"debug", "info", "warn", "error"})))),
        row("LOG_FORMAT", "", "json or console", "json, but console on a terminal", choice(&S::logFormat, {"json", "console"})),
        row("LOG_FILE", "", "file", "application log; stdout when unset", text(&S::logFile)),
        row("LOG_MAX_SIZE_MB", "10", "1 to 10000", "rotates LOG_FILE at this size", number(&S::logMaxSizeMb, 1, 10'000)),
        row("LOG_MAX_BACKUPS", "5", "0 to 1000", "rotated log files kept", number(&S::logMaxBackups, 0, 1000)),
        row("LOG_MAX_AGE", "30d", "duration, 0 keeps them", "rotated log files are removed at this age", duration(&S::logMaxAgeMs, 0, 3650 * day)),
    };
}

Rows limitsRows()
{
    return {
        lower(row("MAX_HEADER_SIZE", "32KiB", "size", "larger request heads get 431", size(&S::maxHeaderSize, 1024, 1 << 20))),
        lower(row("MAX_HEADER_COUNT", "100", "1 to 10000", "more header fields get 431", number(&S::maxHeaderCount, 1, 10'000))),
        lower(row("MAX_TARGET_SIZE", "8KiB", "size", "longer request targets get 414", size(&S::maxTargetSize, 64, 1 << 20))),
        lower(row("MAX_REQUEST_SIZE", "512MB", "size", "larger bodies get 413", size(&S::maxRequestSize, 1, int64_t{1} << 40))),
        lower(row("MAX_INSPECTED_BODY", "16MiB", "size", "largest body that model rules look into; values above 64MiB have no effect, because an access token can have at most 64MiB of bodies in memory", size(&S::maxInspectedBody, 1024, 256 << 20))),
        lower(row("MAX_CONNECTIONS", "10000", "1 to 1000000", "more connections are refused", number(&S::maxConnections, 1, 1'000'000))),
        lower(row("MAX_CONNECTIONS_PER_IP", "1000", "1 to 1000000", "of one address; loopback is exempt unless set", perAddress)),
        lowerRate(row("IP_RATE_LIMIT", "6000/m", "rate", "requests per client address; loopback is exempt unless set", rate(&S::ipRateLimit, &S::ipRateLimitSet))),
        lowerRate(row("AUTH_FAILURE_LIMIT", "10/m", "rate", "failed authentications per client address; loopback is exempt unless set", rate(&S::authFailureLimit, &S::authFailureLimitSet))),
    };
}

Rows tokensRows()
{
    return {
        lower(row("TOKEN_MAX_LIFETIME", "30d", "duration", "longer lifetimes are refused", duration(&S::tokenMaxLifetimeMs, minute, 3650 * day))),
        lower(row("TOKEN_DEFAULT_LIFETIME", "24h", "duration", "of a token created without one", duration(&S::tokenDefaultLifetimeMs, minute, 3650 * day))),
        lowerRate(row("TOKEN_DEFAULT_RATE_LIMIT", "600/m", "rate", "of a token created without one; 0: none", rate(&S::tokenDefaultRateLimit))),
    };
}

Rows providersRows()
{
    return {
        row("API_CONFIG_PATH", "", "file", "provider profiles, YAML; added to the built-in ones", text(&S::apiConfigPath)),
        lower(row("UPSTREAM_CONNECT_TIMEOUT", "10s", "duration", "connecting to a provider", duration(&S::upstreamConnectTimeoutMs, 10, hour))),
        lower(row("UPSTREAM_FIRST_BYTE_TIMEOUT", "590s", "duration", "waiting for a provider's answer", duration(&S::upstreamFirstByteTimeoutMs, 10, day))),
        lower(row("UPSTREAM_IDLE_TIMEOUT", "290s", "duration", "a provider's stream may pause this long", duration(&S::upstreamIdleTimeoutMs, 10, day))),
        row("ALLOW_INSECURE_UPSTREAM", "false", "boolean", "allow http:// base URLs beyond loopback and private addresses", flag(&S::allowInsecureUpstream)),
        row("REFERENCE_ORIGINS", "", "list of origins", "a management credential may send references to keys (env:, file:) there too, not only to a provider's own address", referenceOrigins),
        row("ALLOW_LINK_LOCAL_UPSTREAM", "false", "boolean", "allow connections to link-local addresses (169.254.0.0/16, fe80::/10); cloud metadata addresses are always refused", flag(&S::allowLinkLocalUpstream)),
        row("HTTPS_PROXY", "", "URL", "proxy for https:// providers", proxy(&S::httpsProxy)),
        row("HTTP_PROXY", "", "URL", "proxy for http:// providers", proxy(&S::httpProxy)),
        row("ALL_PROXY", "", "URL", "proxy for providers where HTTPS_PROXY or HTTP_PROXY is not set", proxy(&S::allProxy)),
        row("NO_PROXY", "", "list of hosts", "hosts, domains and networks that are reached without a proxy; * is all of them, loopback is always among them", text(&S::noProxy)),
        row("SSL_CERT_FILE", "", "file", "certificate authorities for providers; the system's when unset", text(&S::sslCertFile)),
        lower(row("PROVIDER_KEY_MAX_AGE", "90d", "duration", "an older provider key fails its check", duration(&S::providerKeyMaxAgeMs, day, 3650 * day))),
        row("SECRETS_DIR", "", "folder", "file: references may point below it", text(&S::secretsDir)),
        lower(row("SECRET_STALE_MAX", "10m", "duration", "use the last value of a secret reference for this long while its source does not answer; 0: only until the source fails", duration(&S::secretStaleMaxMs, 0, 7 * day))),
    };
}

Rows cacheRows()
{
    return {
        row("HTTP_CACHE_ENABLED", "false", "false", "response cache (not yet available)", waits({"false"})),
        row("HTTP_CACHE_MAX_SIZE", "64MB", "64MB or 0", "response cache (not yet available)", waits({"64MB", "0"})),
        row("HTTP_CACHE_DEFAULT_TTL", "5m", "5m or 0", "response cache (not yet available)", waits({"5m", "0"})),
    };
}

Rows engineRows()
{
    return {
        row("ENGINE_THREADS", "", "1 to 64", "worker threads; number of cores, at most 4", number(&S::engineThreads, 1, 64)),
        lower(row("DRAIN_TIMEOUT", "30s", "duration", "running streams may go on this long after SIGTERM", duration(&S::drainTimeoutMs, 0, hour))),
    };
}

Rows declare()
{
    Rows all;
    const auto add = [&all](const char *group, Rows rows) {
        for (SettingRow &row : rows) {
            row.group = group;
            all.push_back(std::move(row));
        }
    };
    add("Network", networkRows());
    add("TLS", tlsRows());
    add("Storage", storageRows());
    add("Management", managementRows());
    add("Audit", auditRows());
    add("Alerts", alertsRows());
    add("Logging", loggingRows());
    add("Limits", limitsRows());
    add("Tokens", tokensRows());
    add("Providers", providersRows());
    add("Cache", cacheRows());
    add("Engine", engineRows());
    return all;
}

} // namespace

const std::vector<SettingRow> &settingRows()
{
    static const std::vector<SettingRow> rows = declare();
    return rows;
}

const std::vector<SettingDeclaration> &settingDeclarations()
{
    static const std::vector<SettingDeclaration> declarations(settingRows().begin(), settingRows().end());
    return declarations;
}

namespace {

const SettingRow *rowNamed(std::string_view name)
{
    const auto found = std::find_if(settingRows().begin(), settingRows().end(), [name](const SettingRow &row) { return row.name == name; });
    return found == settingRows().end() ? nullptr : &*found;
}

} // namespace

bool isSecretSetting(std::string_view name)
{
    const SettingDeclaration *const declaration = settingNamed(name);
    return declaration && declaration->secret;
}

const SettingDeclaration *settingNamed(std::string_view name)
{
    return rowNamed(name);
}

bool isSettingName(std::string_view name)
{
    return rowNamed(name) != nullptr;
}

std::string_view whyNotSaved(const SettingDeclaration &declaration)
{
    if (declaration.secret)
        return "is a secret";
    if (declaration.name == "DATA_DIR")
        return "says where the saved settings are";
    if (declaration.name.ends_with("_FILE") && isSecretSetting(declaration.name.substr(0, declaration.name.size() - 5)))
        return "says where a secret is read";
    // Nothing for who only holds the management token.
    return declaration.name == "SECRETS_DIR" ? "says where files with secrets may be read" : "";
}

bool hasMeaningEmpty(std::string_view name)
{
    return name == "AUDIT_LOG_FILE";
}

bool isEmptyRefused(std::string_view name)
{
    return name == "AUDIT_STORE_IN_DB";
}

std::string settingProblem(std::string_view name, const std::string &value)
{
    Settings scratch;
    const SettingRow *row = rowNamed(name);
    return row ? row->store(value, scratch) : "there is no such setting";
}

} // namespace llmproxy
