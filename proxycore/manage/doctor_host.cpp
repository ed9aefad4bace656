// SPDX-License-Identifier: GPL-3.0-only
// Doctor's checks of the machine: process, listener, transport, logs.
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "manage/doctor_checks.h"

#include <algorithm>
#include <memory>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace llmproxy {

namespace {

std::string listed(const std::vector<std::string> &names)
{
    constexpr size_t most = 5;
    std::string text;
    for (size_t at = 0; at < std::min(names.size(), most); ++at)
        text += (at == 0 ? "" : ", ") + names[at];
    return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

// What other machines reach, "0.0.0.0:8080, [::]:8080"; empty: nothing.
std::string forOthers(const ManageContext &context)
{
    const ListenAddresses bound = context.listening ? context.listening() : ListenAddresses();
    return listenText(forOtherMachines(bound.empty() ? context.settings->listen : bound), ", ");
}

} // namespace

std::vector<std::string> weakCiphersOf(const std::string &list)
{
    std::vector<std::string> weak;
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    if (list.empty() || !context || SSL_CTX_set_cipher_list(context.get(), list.c_str()) != 1)
        return weak;
    const STACK_OF(SSL_CIPHER) *const ciphers = SSL_CTX_get_ciphers(context.get());
    for (int at = 0; at < sk_SSL_CIPHER_num(ciphers); ++at) {
        const SSL_CIPHER *const cipher = sk_SSL_CIPHER_value(ciphers, at);
        const int exchange = SSL_CIPHER_get_kx_nid(cipher);
        if (!SSL_CIPHER_is_aead(cipher) || (exchange != NID_kx_any && exchange != NID_kx_ecdhe && exchange != NID_kx_dhe)) // any: TLS 1.3
            weak.emplace_back(SSL_CIPHER_get_name(cipher));
    }
    return weak;
}

DoctorItem checkListener(const ManageContext &context)
{
    const std::string others = forOthers(context);
    if (others.empty())
        return item("listener", "Listen address", "Loopback only.");
    if (context.certificateExpiresMs() > 0)
        return item("listener", "Listen address", "Other machines reach " + others + ", over TLS.");
    return item("listener", "Listen address", DoctorState::Fail, "Other machines reach " + others + " without TLS.",
                "Set TLS_CERT_FILE and TLS_KEY_FILE, or listen on 127.0.0.1 behind a TLS reverse proxy.");
}

DoctorItem checkTls(const ManageContext &context)
{
    const Settings &settings = *context.settings;
    if (context.certificateExpiresMs() == 0)
        return item("tls", "TLS", forOthers(context).empty() ? "Off; only this machine reaches the server." : "Off.");
    const int64_t failed = context.failedHandshakes();
    const std::string failures = failed == 0 ? "" : " " + std::to_string(failed) + (failed == 1 ? " handshake has" : " handshakes have") + " failed since the start; the application log says why.";
    const std::vector<std::string> weak = weakCiphersOf(settings.tlsCiphers);
    if (!weak.empty())
        return item("tls", "TLS", DoctorState::Warn, "TLS_CIPHERS allows ciphers without forward secrecy or authenticated encryption: " + listed(weak) + "." + failures,
                    "Remove them from TLS_CIPHERS, or unset it: then Mozilla's intermediate list is used.");
    if (!settings.tlsCiphers.empty())
        return item("tls", "TLS", "From " + settings.tlsMinVersion + " on, with the ciphers of TLS_CIPHERS; HSTS is sent." + failures);
    return item("tls", "TLS", "From " + settings.tlsMinVersion + " on, Mozilla intermediate ciphers; HSTS is sent." + failures);
}

DoctorItem checkCertificate(const ManageContext &context)
{
    const int64_t expires = context.certificateExpiresMs();
    const char *title = "TLS certificate";
    if (expires == 0)
        return item("certificate", title, "There is none.");
    const int64_t days = (expires - Clock::wallMs()) / 86'400'000;
    const std::string until = "Valid until " + rfc3339(expires) + ".";
    if (expires <= Clock::wallMs())
        return item("certificate", title, DoctorState::Fail, "It has expired. " + until, "Renew it; it is read again by itself.");
    if (days < 14)
        return item("certificate", title, DoctorState::Warn, std::to_string(days) + " days are left. " + until, "Renew it; it is read again by itself.");
    return item("certificate", title, until);
}

DoctorItem checkCors(const ManageContext &context)
{
    const auto &origins = context.settings->corsOrigins;
    if (std::find(origins.begin(), origins.end(), "*") != origins.end())
        return item("cors", "Web pages that may call", DoctorState::Warn, "CORS_ALLOWED_ORIGINS=*: any web page may use a token that it knows.",
                    "List the origins of your own pages.");
    return item("cors", "Web pages that may call", origins.empty() ? "None." : std::to_string(origins.size()) + " origins.");
}

DoctorItem checkAllowedHosts(const ManageContext &context)
{
    const auto &hosts = context.settings->allowedHosts;
    if (std::find(hosts.begin(), hosts.end(), "*") == hosts.end())
        return item("allowed_hosts", "Host names", "Unknown host names are refused.");
    return item("allowed_hosts", "Host names", DoctorState::Warn,
                "ALLOWED_HOSTS=* lets web pages reach this server by DNS rebinding.", "List the names in ALLOWED_HOSTS.");
}

DoctorItem checkClientAddresses(const ManageContext &context)
{
    const char *title = "Client addresses";
    if (context.settings->trustedProxies.empty())
        return item("client_addresses", title, "Those of the connections; TRUSTED_PROXIES is not set.");
    if (!context.sawOtherAddressHeader())
        return item("client_addresses", title, "From CLIENT_ADDRESS_HEADER, where a trusted proxy sends it.");
    return item("client_addresses", title, DoctorState::Warn,
                "A trusted proxy sends client addresses in another header than CLIENT_ADDRESS_HEADER: limits, rules and events see the proxy's address instead.",
                "Set CLIENT_ADDRESS_HEADER to the header that the proxy sets, or have the proxy set that one.");
}

DoctorItem checkUpstreamTransport(const ManageContext &context)
{
    if (!context.settings->allowInsecureUpstream)
        return item("upstream_transport", "Transport to providers", "http:// only to loopback and private addresses.");
    return item("upstream_transport", "Transport to providers", DoctorState::Warn,
                "ALLOW_INSECURE_UPSTREAM=true: keys may travel in clear.", "Use https:// base URLs and remove it.");
}

DoctorItem checkLogLevel(const ManageContext &context)
{
    // A level that is saved takes effect at once.
    const std::string level = context.inUse.apply ? logLevelName(logLevel()) : context.settings->logLevel;
    if (level != "debug")
        return item("log_level", "Log level", level + ".");
    return item("log_level", "Log level", DoctorState::Warn, "debug.", "Set LOG_LEVEL=info.");
}

DoctorItem checkUser(const ManageContext &)
{
    if (geteuid() != 0)
        return item("user", "Process user", "User id " + std::to_string(geteuid()) + ".");
    return item("user", "Process user", DoctorState::Fail, "Running as root.", "Run it as a user of its own.");
}

DoctorItem checkCoreDumps(const ManageContext &)
{
    rlimit limit{};
    getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_cur == 0 || prctl(PR_GET_DUMPABLE) == 0)
        return item("core_dumps", "Core dumps", "Off.");
    return item("core_dumps", "Core dumps", DoctorState::Warn, "A crash may write keys to disk.",
                "ulimit -c 0, or LimitCORE=0 in the service.");
}

} // namespace llmproxy
