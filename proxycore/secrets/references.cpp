// SPDX-License-Identifier: GPL-3.0-only
#include "secrets/references.h"

#include "base/clock.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

constexpr int64_t freshMs = 60'000;
constexpr int64_t staleMaxMs = 600'000; // ruling 31
constexpr int64_t retryMs = 1'000;      // while the source is away, ask it this often
constexpr size_t maxSize = 64 << 10;

constexpr std::array<std::string_view, 5> schemes{"env:", "file:", "keychain:", "vault:", "aws-sm:"};

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

Error wrong(const std::string &message)
{
    return {ErrorKind::Invalid, "invalid_reference", message, {}};
}

Error away(const std::string &reference)
{
    return {ErrorKind::Unavailable, "reference_unavailable", "The secret '" + reference + "' cannot be read.", {}};
}

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

Outcome checkVariable(std::string_view name)
{
    if (!isVariableName(name))
        return wrong("'env:' must be followed by the name of an environment variable.");
    if (isOurs(name))
        return wrong("The variable " + std::string(name) + " belongs to this program and is never sent to a provider.");
    return {};
}

bool isBelow(std::string_view path, std::string_view folder)
{
    return !folder.empty() && path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/';
}

bool hasDotSegment(std::string_view path)
{
    while (!path.empty()) {
        const size_t slash = path.find('/');
        const std::string_view segment = path.substr(0, slash);
        if (segment == "." || segment == "..")
            return true;
        path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    }
    return false;
}

std::string realPath(const std::string &path)
{
    char resolved[PATH_MAX];
    return realpath(path.c_str(), resolved) ? std::string(resolved) : std::string();
}

std::string_view withoutLineEnd(std::string_view text)
{
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return text;
}

// A key goes into a header field: visible ASCII only (RFC 9110 section 5.5), as for a key that is given itself.
// Anything else, a second line above all, would let its source write headers of its own.
SharedSecret secretOf(std::string_view value)
{
    const bool clean = std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return clean && !value.empty() ? std::make_shared<const Secret>(value) : nullptr;
}

SharedSecret readVariable(const std::string &name)
{
    const char *value = std::getenv(name.c_str());
    return value ? secretOf(value) : nullptr;
}

// The path is resolved first and then opened without following: what is checked is what is read.
SharedSecret readFile(const std::string &path, const std::vector<std::string> &roots)
{
    const std::string real = realPath(path);
    const auto holds = [&](const std::string &root) { return isBelow(real, realPath(root)); };
    if (real.empty() || std::none_of(roots.begin(), roots.end(), holds))
        return nullptr;
    const int descriptor = open(real.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return nullptr;
    std::string bytes(maxSize + 1, '\0');
    size_t size = 0;
    struct stat about{};
    bool good = fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    while (good && size < bytes.size()) {
        const ssize_t got = read(descriptor, bytes.data() + size, bytes.size() - size);
        good = got >= 0;
        if (got <= 0)
            break;
        size += static_cast<size_t>(got);
    }
    close(descriptor);
    SharedSecret secret;
    const std::string_view text = withoutLineEnd(std::string_view(bytes).substr(0, size));
    if (good && size <= maxSize)
        secret = secretOf(text);
    wipe(bytes.data(), bytes.size());
    return secret;
}

} // namespace

bool isReference(std::string_view value)
{
    return std::any_of(schemes.begin(), schemes.end(), [&](auto scheme) { return value.starts_with(scheme); });
}

ReferenceResolver::ReferenceResolver(std::string dataDir, std::string secretsDir)
{
    const char *credentials = std::getenv("CREDENTIALS_DIRECTORY");
    for (std::string root : {std::move(secretsDir), std::move(dataDir) + "/secrets", std::string("/run/secrets"),
                             std::string(credentials ? credentials : "")}) {
        while (root.ends_with('/'))
            root.pop_back();
        if (!root.empty())
            m_roots.push_back(std::move(root));
    }
}

Outcome ReferenceResolver::check(const std::string &reference) const
{
    const std::string_view text(reference);
    if (text.starts_with("env:"))
        return checkVariable(text.substr(4));
    if (!text.starts_with("file:"))
        return wrong(isReference(text) ? "References of the kind '" + reference.substr(0, reference.find(':') + 1)
                                             + "' are not available in this version; use env: or file:."
                                       : "Not a reference; env:NAME and file:/path are known.");
    const std::string path(text.substr(5));
    if (!path.starts_with('/') || path.size() >= PATH_MAX || path.find('\0') != path.npos || hasDotSegment(path))
        return wrong("'file:' must be followed by an absolute path without '.' and '..'.");
    const auto holds = [&](const std::string &root) { return isBelow(path, root) || isBelow(path, realPath(root)); };
    if (std::none_of(m_roots.begin(), m_roots.end(), holds))
        return wrong("Files are read only below SECRETS_DIR, DATA_DIR/secrets, /run/secrets and "
                     "CREDENTIALS_DIRECTORY.");
    return {};
}

Result<SharedSecret> ReferenceResolver::resolve(const std::string &reference)
{
    if (const Outcome failure = check(reference))
        return *failure;
    const std::lock_guard guard(m_lock);
    const int64_t now = Clock::wallMs();
    Cached &cached = m_cache[reference];
    const auto within = [now](int64_t since, int64_t limit) { return now >= since && now - since < limit; };
    if (cached.value && within(cached.readMs, freshMs))
        return cached.value;
    if (!cached.value || !within(cached.triedMs, retryMs)) {
        cached.triedMs = now;
        const bool variable = reference.starts_with("env:");
        SharedSecret value = variable ? readVariable(reference.substr(4)) : readFile(reference.substr(5), m_roots);
        if (value) {
            cached.value = std::move(value);
            cached.readMs = now;
            return cached.value;
        }
    }
    if (cached.value && within(cached.readMs, staleMaxMs))
        return cached.value;
    m_cache.erase(reference);
    return away(reference);
}

} // namespace llmproxy
