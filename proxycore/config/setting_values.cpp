// SPDX-License-Identifier: GPL-3.0-only
#include "config/setting_values.h"

#include "access/host_rules.h"
#include "base/ascii.h"
#include "secrets/credential_text.h"
#include "secrets/sealed_text.h"

#include <QByteArray>
#include <QUrl>
#include <algorithm>

namespace llmproxy::reads {

namespace {

// The same value in another spelling: 90d and 2160h, false and FALSE.
bool sameValue(const std::string &one, const std::string &other)
{
    const auto both = [&](auto read) { return read(one) && read(one) == read(other); };
    return one == other || both(parseBool) || both(parseDurationMs) || both(parseSize);
}

// In the largest unit that divides it; "0" needs none.
std::string inUnits(int64_t value, std::initializer_list<std::pair<const char *, int64_t>> units)
{
    for (const auto &[name, factor] : units) {
        if (value > 0 && value % factor == 0)
            return std::to_string(value / factor) + name;
    }
    return std::to_string(value);
}

std::string durationText(int64_t ms)
{
    return inUnits(ms, {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}});
}

std::string sizeText(int64_t bytes)
{
    return inUnits(bytes, {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}});
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
    return !isPlain || isThisMachine(host);
}

} // namespace

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
            return "a duration with its unit is accepted, like 500ms, 30s, 15m, 2h or 30d, from " + durationText(least) + " to " + durationText(most);
        settings.*member = *read;
        return {};
    };
}

Store size(int64_t Settings::*member, int64_t least, int64_t most)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        const auto read = parseSize(value);
        if (!read || *read < least || *read > most)
            return "a size with its unit (B, KB, MB, GB, KiB, MiB, GiB) is accepted, like 64KiB or 10MB, from " + sizeText(least) + " to " + sizeText(most);
        settings.*member = *read;
        return {};
    };
}

Store rate(int Settings::*member, bool Settings::*set)
{
    return [=](const std::string &value, Settings &settings) -> std::string {
        const auto read = parseRatePerMinute(value);
        if (!read)
            return "a rate like 600/m or 10/s is accepted, from 1 to 1000000 for each, or 0 for no limit";
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

std::string clientAddressHeader(const std::string &value, Settings &settings)
{
    for (const char *known : {"x-forwarded-for", "x-real-ip", "forwarded"}) {
        if (equalsIgnoreCase(value, known)) {
            settings.clientAddressHeader = known;
            return {};
        }
    }
    return "accepted is one of: X-Forwarded-For, X-Real-IP, Forwarded";
}

// What a Host header can be, or the end of one; anything else would never match.
static bool isHostPattern(std::string_view name)
{
    if (name.starts_with('.'))
        name.remove_prefix(1);
    const bool hasEmptyLabel = name.empty() || name.starts_with('.') || name.ends_with('.') || name.find("..") != std::string_view::npos;
    return !hasEmptyLabel && std::all_of(name.begin(), name.end(), [](char c) { return isAsciiAlnum(c) || c == '.' || c == '-' || c == '_'; });
}

std::string hosts(const std::string &value, Settings &settings)
{
    settings.allowedHosts.clear();
    for (const std::string &given : splitList(value)) {
        std::string item = lowerCased(given);
        if (item.starts_with("*."))
            item.erase(0, 1);
        if (item.size() > 1 && item.back() == '.')
            item.pop_back();
        if (item != "*" && !isHostPattern(item))
            return "\"" + given + "\" never matches a Host; accepted are names without scheme and port, *.example.com for all names below one, and *"
                   + (std::any_of(given.begin(), given.end(), [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; }) ? "; write international names as xn--…" : "");
        settings.allowedHosts.push_back(item);
    }
    return {};
}

std::string listen(const std::string &value, Settings &settings)
{
    return readListenAddresses(value, &settings.listen);
}

std::string httpListen(const std::string &value, Settings &settings)
{
    if (!value.empty())
        return readListenAddresses(value, &settings.httpListen);
    settings.httpListen.clear();
    return {};
}

// RFC 6454 section 6.2: scheme://host[:port], nothing behind it.
std::string origins(const std::string &value, Settings &settings)
{
    settings.corsOrigins.clear();
    for (const std::string &item : splitList(value)) {
        const size_t scheme = item.find("://");
        const bool exact = scheme != std::string::npos && scheme > 0 && item.size() > scheme + 3
                           && item.find_first_of("/?#*", scheme + 3) == std::string::npos;
        const bool isOpaque = item == "*" || equalsIgnoreCase(item, "null") || equalsIgnoreCase(item, "file://"); // what browsers and web views send for files
        if (!isOpaque && !exact)
            return "\"" + item + "\" is not an origin; accepted are lists like https://app.example,http://localhost:3000, null, file:// and *";
        settings.corsOrigins.push_back(lowerCased(item));
    }
    return {};
}

// In the form in which origins are compared: lower case, always with the port.
std::string referenceOrigins(const std::string &value, Settings &settings)
{
    settings.referenceOrigins.clear();
    for (const std::string &item : splitList(value)) {
        const QUrl url(QString::fromStdString(item), QUrl::StrictMode);
        const bool isHttps = url.scheme() == QLatin1String("https");
        const bool isOrigin = url.isValid() && (isHttps || url.scheme() == QLatin1String("http")) && !url.host().isEmpty() && url.path().isEmpty()
                              && !url.hasQuery() && !url.hasFragment() && url.userInfo().isEmpty();
        if (!isOrigin)
            return "\"" + item + "\" is not an origin; accepted are lists like https://llm.example,http://10.0.0.5:8000";
        const std::string host = url.host().toStdString();
        settings.referenceOrigins.push_back((isHttps ? "https://" : "http://") + (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":"
                                            + std::to_string(url.port(isHttps ? 443 : 80)));
    }
    return {};
}

// What libcurl dials through; a name without a scheme is an HTTP proxy there, and here.
static std::string proxyProblem(const std::string &value)
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
    return {};
}

Store proxy(std::string Settings::*member)
{
    return [member](const std::string &value, Settings &settings) {
        settings.*member = value;
        return proxyProblem(value);
    };
}

std::string managementToken(const std::string &value, Settings &settings)
{
    const CredentialText read = readCredential(value);
    if (!read.problem.empty())
        return std::string(read.problem);
    if (read.value.size() < 32)
        return "at least 32 characters are needed; make one with: openssl rand -base64 32";
    settings.managementToken = Secret(read.value);
    return {};
}

std::string encryptionKey(const std::string &value, Settings &settings)
{
    const CredentialText read = readCredential(value);
    if (!read.problem.empty())
        return std::string(read.problem);
    std::string padded;
    padded.reserve(read.value.size() + 3);
    padded.append(read.value).append((4 - read.value.size() % 4) % 4, '='); // some tools leave the end out
    auto decoded = fromBase64(padded);
    wipe(padded.data(), padded.size());
    if (!decoded || decoded->size() != 32)
        return "base64 of 32 bytes is needed; make one with: openssl rand -base64 32";
    settings.encryptionKey = std::move(*decoded);
    return {};
}

std::string fileMode(const std::string &value, Settings &settings)
{
    if (value != "0600" && value != "0640" && value != "600" && value != "640")
        return "0600 or 0640 is accepted";
    settings.auditFileMode = value.find('4') == std::string::npos ? 0600u : 0640u;
    return {};
}

std::string maskUnprefixed(const std::string &value, Settings &settings)
{
    if (value != "partial" && value != "full")
        return "partial or full is accepted";
    settings.auditMaskUnprefixedFull = value == "full";
    return {};
}

std::string onError(const std::string &value, Settings &settings)
{
    if (value != "refuse" && value != "log")
        return "refuse or log is accepted";
    settings.auditRefuseOnError = value == "refuse";
    return {};
}

Store outside(std::vector<OutsideTarget> Settings::*member, bool onlyWeb)
{
    return [member, onlyWeb](const std::string &value, Settings &settings) -> std::string {
        (settings.*member).clear();
        for (const std::string &item : splitList(std::string(unwrapped(value)))) {
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

std::string perAddress(const std::string &value, Settings &settings)
{
    settings.maxConnectionsPerIpSet = true;
    return number(&Settings::maxConnectionsPerIp, 1, 1'000'000)(value, settings);
}

} // namespace llmproxy::reads
