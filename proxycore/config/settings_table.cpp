// SPDX-License-Identifier: GPL-3.0-only
#include "config/settings_table.h"

#include <QByteArray>
#include <algorithm>
#include <charconv>

namespace llmproxy {

namespace {

using Store = std::function<std::string(const std::string &, Settings &)>;

Store text(std::string Settings::*member)
{
    return [member](const std::string &value, Settings &settings) {
        settings.*member = value;
        return std::string();
    };
}

Store flag(bool Settings::*member)
{
    return [member](const std::string &value, Settings &settings) -> std::string {
        const auto read = parseBool(value);
        if (!read)
            return "true or false is accepted";
        settings.*member = *read;
        return {};
    };
}

Store duration(int64_t Settings::*member, int64_t least, int64_t most)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        const auto read = parseDurationMs(value);
        if (!read || *read < least || *read > most)
            return "a duration like 500ms, 30s, 15m, 2h or 30d is accepted, from " + std::to_string(least) + "ms to "
                   + std::to_string(most / 1000) + "s";
        settings.*member = *read;
        return {};
    };
}

Store size(int64_t Settings::*member, int64_t least, int64_t most)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        const auto read = parseSize(value);
        if (!read || *read < least || *read > most)
            return "a size like 64KiB or 10MB is accepted, from " + std::to_string(least) + " to " + std::to_string(most) + " bytes";
        settings.*member = *read;
        return {};
    };
}

template<typename Number>
Store number(Number Settings::*member, int64_t least, int64_t most)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        int64_t read = 0;
        const auto result = std::from_chars(value.data(), value.data() + value.size(), read);
        if (result.ec != std::errc() || result.ptr != value.data() + value.size() || read < least || read > most)
            return "a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is accepted";
        settings.*member = static_cast<Number>(read);
        return {};
    };
}

Store rate(int Settings::*member, bool Settings::*set = nullptr)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        const auto read = parseRatePerMinute(value);
        if (!read)
            return "a rate like 600/m or 10/s is accepted, 0 for none";
        settings.*member = *read;
        if (set)
            settings.*set = true;
        return {};
    };
}

Store choice(std::string Settings::*member, std::vector<std::string> values)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        if (std::find(values.begin(), values.end(), value) == values.end()) {
            std::string accepted;
            for (const std::string &one : values)
                accepted += (accepted.empty() ? "" : ", ") + one;
            return "accepted is one of: " + accepted;
        }
        settings.*member = value;
        return {};
    };
}

// The same value in another spelling: 90d and 2160h, false and FALSE.
bool sameValue(const std::string &one, const std::string &other)
{
    const auto both = [&](auto read) { return read(one) && read(one) == read(other); };
    return one == other || both(parseBool) || both(parseDurationMs) || both(parseSize);
}

// Its feature waits: only these values.
Store waits(std::vector<std::string> accepted)
{
    return [accepted](const std::string &value, Settings &) -> std::string {
        if (value.empty() || std::any_of(accepted.begin(), accepted.end(), [&](const std::string &one) { return sameValue(value, one); }))
            return {};
        return "this feature is not available in this version; leave it "
               + (accepted.empty() ? std::string("unset") : "at " + accepted.front());
    };
}

std::vector<std::string> splitList(const std::string &value)
{
    std::vector<std::string> items;
    std::string item;
    for (const char c : value + ",") {
        if (c == ',') {
            if (!item.empty())
                items.push_back(item);
            item.clear();
        } else if (c != ' ' && c != '\t') {
            item += c;
        }
    }
    return items;
}

Store networks(std::vector<Cidr> Settings::*member)
{
    return [member](const std::string &value, Settings &settings) -> std::string {
        (settings.*member).clear();
        for (const std::string &item : splitList(value)) {
            for (const std::string &one : item == "loopback" ? std::vector<std::string>{"127.0.0.0/8", "::1/128"} : std::vector<std::string>{item}) {
                const auto network = Cidr::parse(one);
                if (!network)
                    return "\"" + item + "\" is not an address or network; accepted are lists like 10.0.0.0/8,::1 and the word loopback";
                (settings.*member).push_back(*network);
            }
        }
        return {};
    };
}

std::string storeHosts(const std::string &value, Settings &settings)
{
    settings.allowedHosts.clear();
    for (std::string item : splitList(value)) {
        std::transform(item.begin(), item.end(), item.begin(), [](char c) { return static_cast<char>(tolower(c)); });
        if (item.size() > 1 && item.back() == '.')
            item.pop_back();
        if (item.find_first_of("/:@ ") != std::string::npos)
            return "\"" + item + "\" is not a host name; accepted are names, .example.com for all below it, and *";
        settings.allowedHosts.push_back(item);
    }
    return {};
}

std::string readListen(const std::string &value, ListenAddress *into)
{
    const char *accepted = "address:port is accepted, like 127.0.0.1:8080 or [::1]:8080";
    const size_t colon = value.rfind(':');
    if (colon == std::string::npos)
        return accepted;
    std::string host = value.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return accepted;
    unsigned port = 0;
    const char *end = value.data() + value.size();
    const auto result = std::from_chars(value.data() + colon + 1, end, port);
    if (result.ec != std::errc() || result.ptr != end || port > 65535 || (host != "localhost" && !IpAddress::parse(host)))
        return accepted;
    *into = {host, static_cast<uint16_t>(port)};
    return {};
}

std::string storeListen(const std::string &value, Settings &settings)
{
    return readListen(value, &settings.listen);
}

std::string storeHttpListen(const std::string &value, Settings &settings)
{
    return readListen(value, &settings.httpListen);
}

// RFC 6454 section 6.2: scheme://host[:port], nothing behind it.
std::string storeOrigins(const std::string &value, Settings &settings)
{
    settings.corsOrigins.clear();
    for (const std::string &item : splitList(value)) {
        const size_t scheme = item.find("://");
        const bool exact = scheme != std::string::npos && scheme > 0 && item.size() > scheme + 3
                           && item.find_first_of("/?#*", scheme + 3) == std::string::npos;
        if (item != "*" && !exact)
            return "\"" + item + "\" is not an origin; accepted are lists like https://app.example,http://localhost:3000, and *";
        std::string lower = item;
        std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return static_cast<char>(tolower(c)); });
        settings.corsOrigins.push_back(lower);
    }
    return {};
}

// What libcurl dials through; a name without a scheme is an HTTP proxy there, and here.
std::string storeProxy(const std::string &value, Settings &settings)
{
    std::string_view rest = value;
    if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
        static constexpr std::string_view schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
        if (std::find(std::begin(schemes), std::end(schemes), rest.substr(0, scheme)) == std::end(schemes))
            return "a URL like http://proxy.example:3128 is accepted; schemes: http, https, socks4, socks4a, socks5, socks5h";
        rest.remove_prefix(scheme + 3);
    }
    const std::string_view authority = rest.substr(0, rest.find('/'));
    const std::string_view host = authority.substr(authority.rfind('@') == std::string_view::npos ? 0 : authority.rfind('@') + 1);
    if (host.empty() || host.front() == ':' || rest.find_first_of(" \t\r\n") != std::string_view::npos)
        return "a URL with a host is accepted, like http://proxy.example:3128";
    const size_t colon = host.rfind(':');
    unsigned port = 1;
    if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
        const auto result = std::from_chars(host.data() + colon + 1, host.data() + host.size(), port);
        if (result.ec != std::errc() || result.ptr != host.data() + host.size() || port == 0 || port > 65535)
            return "its port is not a number from 1 to 65535";
    }
    settings.httpsProxy = value;
    return {};
}

std::string storeManagementToken(const std::string &value, Settings &settings)
{
    if (value.size() < 32)
        return "at least 32 characters are needed; make one with: openssl rand -base64 32";
    settings.managementToken = Secret(value);
    return {};
}

std::string storeEncryptionKey(const std::string &value, Settings &settings)
{
    const auto decoded = QByteArray::fromBase64Encoding(QByteArray::fromStdString(value), QByteArray::AbortOnBase64DecodingErrors);
    if (!decoded || (*decoded).size() != 32)
        return "base64 of 32 bytes is needed; make one with: openssl rand -base64 32";
    settings.encryptionKey = Secret(std::string_view((*decoded).constData(), 32));
    return {};
}

std::string storeFileMode(const std::string &value, Settings &settings)
{
    if (value != "0600" && value != "0640" && value != "600" && value != "640")
        return "0600 or 0640 is accepted";
    settings.auditFileMode = value.find('4') == std::string::npos ? 0600u : 0640u;
    return {};
}

std::string storeMaskUnprefixed(const std::string &value, Settings &settings)
{
    if (value != "partial" && value != "full")
        return "partial or full is accepted";
    settings.auditMaskUnprefixedFull = value == "full";
    return {};
}

std::string storeOnError(const std::string &value, Settings &settings)
{
    if (value != "refuse" && value != "log")
        return "refuse or log is accepted";
    settings.auditRefuseOnError = value == "refuse";
    return {};
}

// A webhook's address: https, or http to this machine.
bool isWebhook(const std::string &item, std::string *shown)
{
    const bool isPlain = item.starts_with("http://");
    if (!isPlain && !item.starts_with("https://"))
        return false;
    const size_t begin = isPlain ? 7 : 8;
    const std::string authority = item.substr(begin, item.find_first_of("/?#", begin) - begin);
    const std::string host = authority.substr(0, authority.find_last_of(':') == std::string::npos || authority.back() == ']' ? authority.npos : authority.find_last_of(':'));
    if (host.empty() || authority.find('@') != std::string::npos || item.find_first_of(" \t\r\n") != std::string::npos)
        return false;
    *shown = item.substr(0, begin) + authority;
    return !isPlain || host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Store outside(std::vector<OutsideTarget> Settings::*member, bool onlyWeb)
{
    return [member, onlyWeb](const std::string &value, Settings &settings) -> std::string {
        (settings.*member).clear();
        for (const std::string &item : splitList(value)) {
            OutsideTarget target;
            if (isWebhook(item, &target.shown)) {
                target.kind = OutsideTarget::Kind::Web;
                target.url = std::make_shared<const Secret>(item);
            } else if (!onlyWeb && item == "syslog") {
                target.shown = item;
            } else if (!onlyWeb && item.starts_with("file:/") && item.size() > 6) {
                target.kind = OutsideTarget::Kind::File;
                target.shown = item;
            } else {
                return onlyWeb ? "a list of https:// addresses is accepted, and http:// ones of this machine"
                               : "a list of syslog, file:/path and https:// addresses is accepted, and http:// ones of this machine";
            }
            (settings.*member).push_back(std::move(target));
        }
        return {};
    };
}

std::string storePerAddress(const std::string &value, Settings &settings)
{
    settings.maxConnectionsPerIpSet = true;
    return number(&Settings::maxConnectionsPerIp, 1, 1'000'000)(value, settings);
}

constexpr int64_t second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

std::vector<SettingRow> declare()
{
    using S = Settings;
    const auto row = [](const char *name, const char *standard, const char *accepts, const char *meaning, Store store, bool secret = false) {
        return SettingRow{{name, standard, accepts, meaning, secret}, std::move(store)};
    };
    return {
        row("LISTEN_ADDR", "127.0.0.1:8080", "address:port", "data plane and management; port 0 takes a free one", storeListen),
        row("ALLOW_INSECURE_LISTEN", "false", "boolean", "allow a non-loopback address without TLS", flag(&S::allowInsecureListen)),
        row("DATA_DIR", "", "folder", "holds everything below; --serve: ./data", text(&S::dataDir)),
        row("DATABASE_PATH", "", "file", "SQLite file; $DATA_DIR/llm-proxy.db", text(&S::databasePath)),
        row("MANAGEMENT_TOKEN", "", "at least 32 characters", "the management API's credential", storeManagementToken, true),
        row("MANAGEMENT_ALLOWED_IPS", "loopback", "list of networks", "who may use /manage", networks(&S::managementAllowedIps)),
        row("ENCRYPTION_KEY", "", "base64 of 32 bytes", "encrypts provider keys at rest", storeEncryptionKey, true),
        row("ENCRYPTION_KEY_FILE", "", "file", "the same, from a file that others cannot read", text(&S::encryptionKeyFile)),
        row("AUDIT_ENABLED", "true", "boolean", "audit at all", flag(&S::auditEnabled)),
        row("AUDIT_LOG_FILE", "", "file, or \"\" for none", "JSONL file; $DATA_DIR/audit.log", text(&S::auditLogFile)),
        row("AUDIT_FILE_MODE", "0600", "0600 or 0640", "mode of the audit log and LOG_FILE", storeFileMode),
        row("AUDIT_ON_ERROR", "refuse", "refuse or log", "what a failed audit write does", storeOnError),
        row("AUDIT_CREATE_DIR", "true", "boolean", "create missing parent folders of AUDIT_LOG_FILE", flag(&S::auditCreateDir)),
        row("AUDIT_STORE_IN_DB", "true", "boolean", "rows in the table audit_events", flag(&S::auditStoreInDb)),
        row("AUDIT_MASK_CLIENT_IP", "false", "boolean", "zero the last octet of IPv4, the last 80 bits of IPv6", flag(&S::auditMaskClientIp)),
        row("AUDIT_MASK_UNPREFIXED", "partial", "partial or full", "how values without a known prefix are masked", storeMaskUnprefixed),
        row("AUDIT_RETENTION", "90d", "duration, 0 keeps them", "audit rows older than this are deleted, in batches of 1000", duration(&S::auditRetentionMs, 0, 100 * 366 * day)),
        row("AUDIT_MAX_FILE_SIZE", "100MB", "size, 0 turns it off", "the audit log is rotated at this size and daily, and compressed; off: logrotate's to do", size(&S::auditMaxFileBytes, 0, int64_t{1} << 40)),
        row("AUDIT_FILE_RETENTION", "90d", "duration, 0 keeps them", "rotated audit logs are removed at this age", duration(&S::auditFileRetentionMs, 0, 100 * 366 * day)),
        row("AUDIT_ENCRYPT_ROTATED", "false", "boolean", "rotated audit logs are encrypted, too; llm-proxy audit decrypt opens one", flag(&S::auditEncryptRotated)),
        row("AUDIT_FSYNC", "management", "management, always or never", "when the audit log is fsynced", choice(&S::auditFsync, {"management", "always", "never"})),
        row("AUDIT_ANCHORS", "", "list of syslog, file:/path, https://…", "each signed checkpoint goes there too, so that a cut tail is found", outside(&S::auditAnchors, false), true),
        row("ALERTS_ENABLED", "true", "boolean", "what looks wrong in the stream of events is raised as alert.raise", flag(&S::alertsEnabled)),
        row("ALERT_AUTH_FAILURES", "20", "0 to 1000000", "failed authentications of one address in ten minutes; 0: never", number(&S::alertAuthFailures, 0, 1'000'000)),
        row("ALERT_DENIED_REQUESTS", "50", "0 to 1000000", "denied requests of one token in five minutes; 0: never", number(&S::alertDeniedRequests, 0, 1'000'000)),
        row("ALERT_VOLUME_FACTOR", "5", "0 to 1000", "requests in an hour, times those of the token's busiest hour before; 0: never", number(&S::alertVolumeFactor, 0, 1000)),
        row("ALERT_NEW_SOURCES", "true", "boolean", "a token's first use from an address or by a client", flag(&S::alertNewSources)),
        row("ALERT_UNUSUAL_HOURS", "true", "boolean", "use around an hour of the day in which a token never was used", flag(&S::alertUnusualHours)),
        row("ALERT_WEBHOOKS", "", "list of https://…", "each alert is posted there as JSON, signed like a checkpoint", outside(&S::alertWebhooks, true), true),
        row("LOG_LEVEL", "info", "debug, info, warn or error", "application log", choice(&S::logLevel, {"debug", "info", "warn", "error"})),
        row("LOG_FORMAT", "", "json or console", "json, but console on a terminal", choice(&S::logFormat, {"json", "console"})),
        row("LOG_FILE", "", "file", "application log; stdout when unset", text(&S::logFile)),
        row("LOG_MAX_SIZE_MB", "10", "1 to 10000", "rotates LOG_FILE at this size", number(&S::logMaxSizeMb, 1, 10'000)),
        row("LOG_MAX_BACKUPS", "5", "0 to 1000", "rotated log files kept", number(&S::logMaxBackups, 0, 1000)),
        row("LOG_MAX_AGE", "30d", "30d", "age at which rotated log files go (not yet changeable)", waits({"30d"})),
        row("TLS_CERT_FILE", "", "file", "HTTPS: PEM certificate and its chain; read again when it changes", text(&S::tlsCertFile)),
        row("TLS_KEY_FILE", "", "file", "HTTPS: its PEM key", text(&S::tlsKeyFile)),
        row("TLS_MIN_VERSION", "1.2", "1.2 or 1.3", "oldest TLS that clients may speak", choice(&S::tlsMinVersion, {"1.2", "1.3"})),
        row("TLS_CIPHERS", "", "OpenSSL cipher list", "of TLS 1.2; Mozilla intermediate when unset", text(&S::tlsCiphers)),
        row("HTTP_LISTEN_ADDR", "", "address:port", "plain listener beside TLS: ACME challenges, all else is sent to https", storeHttpListen),
        row("ACME_WEBROOT", "", "folder", "serves /.well-known/acme-challenge/ from it, for certbot --webroot", text(&S::acmeWebroot)),
        row("TRUSTED_PROXIES", "", "list of networks", "only from these is X-Forwarded-For believed", networks(&S::trustedProxies)),
        row("ALLOWED_HOSTS", "", "list of names", "further Host names that are served; others get 421", storeHosts),
        row("CORS_ALLOWED_ORIGINS", "", "list of origins", "web pages of these origins may call; * for all", storeOrigins),
        row("REQUEST_HEAD_TIMEOUT", "10s", "duration", "a request head must arrive within", duration(&S::requestHeadTimeoutMs, 10, hour)),
        row("REQUEST_BODY_TIMEOUT", "60s", "duration", "a request body may pause this long", duration(&S::requestBodyTimeoutMs, 10, hour)),
        row("KEEPALIVE_TIMEOUT", "75s", "duration", "an idle client connection is closed after", duration(&S::keepaliveTimeoutMs, 10, hour)),
        row("CLIENT_WRITE_TIMEOUT", "60s", "duration", "a client that reads nothing is dropped after", duration(&S::clientWriteTimeoutMs, 10, hour)),
        row("UPSTREAM_CONNECT_TIMEOUT", "10s", "duration", "connecting to a provider", duration(&S::upstreamConnectTimeoutMs, 10, hour)),
        row("UPSTREAM_FIRST_BYTE_TIMEOUT", "590s", "duration", "waiting for a provider's answer", duration(&S::upstreamFirstByteTimeoutMs, 10, day)),
        row("UPSTREAM_IDLE_TIMEOUT", "290s", "duration", "a provider's stream may pause this long", duration(&S::upstreamIdleTimeoutMs, 10, day)),
        row("ALLOW_INSECURE_UPSTREAM", "false", "boolean", "allow http:// base URLs beyond loopback and private addresses", flag(&S::allowInsecureUpstream)),
        row("MAX_HEADER_SIZE", "32KiB", "size", "larger request heads get 431", size(&S::maxHeaderSize, 1024, 1 << 20)),
        row("MAX_HEADER_COUNT", "100", "1 to 10000", "more header fields get 431", number(&S::maxHeaderCount, 1, 10'000)),
        row("MAX_TARGET_SIZE", "8KiB", "size", "longer request targets get 414", size(&S::maxTargetSize, 64, 1 << 20)),
        row("MAX_REQUEST_SIZE", "512MB", "size", "larger bodies get 413", size(&S::maxRequestSize, 1, int64_t{1} << 40)),
        row("MAX_INSPECTED_BODY", "16MiB", "size", "largest body that model rules look into", size(&S::maxInspectedBody, 1024, 256 << 20)),
        row("MAX_CONNECTIONS", "10000", "1 to 1000000", "more connections are refused", number(&S::maxConnections, 1, 1'000'000)),
        row("MAX_CONNECTIONS_PER_IP", "1000", "1 to 1000000", "of one address; loopback is exempt unless set", storePerAddress),
        row("TOKEN_MAX_LIFETIME", "30d", "duration", "longer lifetimes are refused", duration(&S::tokenMaxLifetimeMs, minute, 3650 * day)),
        row("TOKEN_DEFAULT_LIFETIME", "24h", "duration", "of a token created without one", duration(&S::tokenDefaultLifetimeMs, minute, 3650 * day)),
        row("TOKEN_DEFAULT_RATE_LIMIT", "600/m", "rate", "of a token created without one; 0: none", rate(&S::tokenDefaultRateLimit)),
        row("PROVIDER_KEY_MAX_AGE", "90d", "duration", "an older provider key fails its check", duration(&S::providerKeyMaxAgeMs, day, 3650 * day)),
        row("MANAGEMENT_TOKEN_MAX_AGE", "90d", "duration", "an older management token fails its check", duration(&S::managementTokenMaxAgeMs, day, 3650 * day)),
        row("IP_RATE_LIMIT", "6000/m", "rate", "requests per client address; loopback is exempt unless set", rate(&S::ipRateLimit, &S::ipRateLimitSet)),
        row("AUTH_FAILURE_LIMIT", "10/m", "rate", "failed authentications per client address; loopback is exempt unless set", rate(&S::authFailureLimit, &S::authFailureLimitSet)),
        row("API_CONFIG_PATH", "", "file", "provider profiles, YAML; added to the built-in ones", text(&S::apiConfigPath)),
        row("ENGINE_THREADS", "", "1 to 64", "worker threads; number of cores, at most 4", number(&S::engineThreads, 1, 64)),
        row("HTTP_CACHE_ENABLED", "false", "false", "response cache (not yet available)", waits({"false"})),
        row("HTTP_CACHE_MAX_SIZE", "64MB", "64MB or 0", "response cache (not yet available)", waits({"64MB", "0"})),
        row("HTTP_CACHE_DEFAULT_TTL", "5m", "5m or 0", "response cache (not yet available)", waits({"5m", "0"})),
        row("SECRETS_DIR", "", "folder", "file: references may point below it", text(&S::secretsDir)),
        row("SECRET_STALE_MAX", "10m", "10m", "how long a resolved reference serves while its source is away (not yet changeable)", waits({"10m"})),
        row("DRAIN_TIMEOUT", "30s", "duration", "running streams may go on this long after SIGTERM", duration(&S::drainTimeoutMs, 0, hour)),
        row("HTTPS_PROXY", "", "URL", "proxy towards providers", storeProxy),
        row("NO_PROXY", "", "list of hosts", "reached without it", text(&S::noProxy)),
        row("SSL_CERT_FILE", "", "file", "certificate authorities for providers; the system's when unset", text(&S::sslCertFile)),
    };
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

} // namespace llmproxy
