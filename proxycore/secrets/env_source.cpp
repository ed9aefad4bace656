// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/env_source.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace llmproxy {

namespace {

// Ruling 31: a project must not be able to send our own settings and secrets to a provider.
constexpr std::array<std::string_view, 8> ownPrefixes{"MANAGEMENT_", "ENCRYPTION_", "VAULT_", "LLM_PROXY_", "AUDIT_",
                                                      "TLS_", "HTTP_CACHE_", "CREDENTIALS_DIRECTORY"};
constexpr std::string_view ownNames[] = {
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "LISTEN_ADDR", "HTTP_LISTEN_ADDR", "DATA_DIR",
    "DATABASE_PATH", "ALLOW_INSECURE_LISTEN", "ALLOW_INSECURE_UPSTREAM", "LOG_LEVEL", "LOG_FORMAT", "LOG_FILE",
    "LOG_MAX_SIZE_MB", "LOG_MAX_BACKUPS", "LOG_MAX_AGE", "ACME_WEBROOT", "TRUSTED_PROXIES", "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS", "REQUEST_HEAD_TIMEOUT", "REQUEST_BODY_TIMEOUT", "KEEPALIVE_TIMEOUT",
    "CLIENT_WRITE_TIMEOUT", "DRAIN_TIMEOUT", "UPSTREAM_CONNECT_TIMEOUT", "UPSTREAM_FIRST_BYTE_TIMEOUT",
    "UPSTREAM_IDLE_TIMEOUT", "MAX_HEADER_SIZE", "MAX_HEADER_COUNT", "MAX_TARGET_SIZE", "MAX_REQUEST_SIZE",
    "MAX_INSPECTED_BODY", "MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_IP", "TOKEN_MAX_LIFETIME",
    "TOKEN_DEFAULT_LIFETIME", "TOKEN_DEFAULT_RATE_LIMIT", "PROVIDER_KEY_MAX_AGE", "IP_RATE_LIMIT",
    "AUTH_FAILURE_LIMIT", "API_CONFIG_PATH", "ENGINE_THREADS", "SECRETS_DIR", "SECRET_STALE_MAX", "HTTPS_PROXY",
    "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"};

bool isVariableName(std::string_view name)
{
    const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && letter(name.front())
           && std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool isOurs(std::string_view name)
{
    return std::any_of(ownPrefixes.begin(), ownPrefixes.end(), [&](auto p) { return name.starts_with(p); })
           || std::find(std::begin(ownNames), std::end(ownNames), name) != std::end(ownNames);
}

} // namespace

Outcome EnvSource::check(const std::string &reference) const
{
    const std::string_view name = std::string_view(reference).substr(scheme().size());
    if (!isVariableName(name))
        return invalidReference("'env:' must be followed by the name of an environment variable.");
    if (isOurs(name))
        return invalidReference("The variable " + std::string(name) + " belongs to this program and is never sent to a provider.");
    return {};
}

void EnvSource::fetch(const std::string &reference, Done done)
{
    const char *const value = std::getenv(reference.c_str() + scheme().size());
    done(value ? secretOf(value) : nullptr);
}

} // namespace llmproxy
