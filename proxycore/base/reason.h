// SPDX-License-Identifier: GPL-3.0-only
// Why a request was refused or broke off, once: the codes that callers are told (contract section 3, rulings 9) and the words
// that only the audit log has. Thread: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace llmproxy {

enum class Reason : uint8_t {
    None,
    // Codes of refusals
    BadRequest, ParamNotAllowed, OriginRequired, ConflictingCredentials, MissingToken, InvalidToken, BudgetExceeded, ProjectInactive,
    ModelNotAllowed, EndpointNotAllowed, OriginNotAllowed, IpNotAllowed, EndpointNotFound, MethodNotAllowed, RequestTimeout,
    RequestTooLarge, UriTooLong, UnsupportedBody, ExpectationFailed, MisdirectedRequest, UpgradeRequired, RateLimitExceeded,
    RequestQuotaExceeded, TooManyConcurrent, HeadersTooLarge, InternalError, NotImplemented, UpstreamUnreachable, ServiceUnavailable,
    UpstreamTimeout, HttpVersionNotSupported,
    // Of a credential; the client sees invalid_token
    Malformed, Unknown, Revoked, Expired, Superseded,
    // Of a refusal, more exactly than its code says
    UntrustedForward, Loop, ProviderKeyUnusable, ProviderKeyPending, BaseUrlUnusable,
    // Of an end that is no refusal
    Preflight, ClientCancelled, StreamCut, Killed, Shutdown,
    // The provider's
    UpstreamStatus, UpstreamConnectTimeout, UpstreamDns, UpstreamRefused, UpstreamCertificate, UpstreamConnectFailed,
    UpstreamFirstByteTimeout, UpstreamIdleTimeout, UpstreamReset, UpstreamClosed, UpstreamTruncated, UpstreamBadHead,
    UpstreamHeadTooLarge, UpstreamBadFraming, UpstreamResolverBusy, UpstreamMetadataAddress, UpstreamLinkLocalAddress, UpstreamInsecureAddress,
    // A word of another version, in a stored event
    Other,
};

namespace reasons {

// In the order of Reason.
inline constexpr std::string_view words[] = {
    "",
    "bad_request", "param_not_allowed", "origin_required", "conflicting_credentials", "missing_token", "invalid_token", "budget_exceeded",
    "project_inactive", "model_not_allowed", "endpoint_not_allowed", "origin_not_allowed", "ip_not_allowed", "endpoint_not_found",
    "method_not_allowed", "request_timeout", "request_too_large", "uri_too_long", "unsupported_body", "expectation_failed",
    "misdirected_request", "upgrade_required", "rate_limit_exceeded", "request_quota_exceeded", "too_many_concurrent", "headers_too_large",
    "internal_error", "not_implemented", "upstream_unreachable", "service_unavailable", "upstream_timeout", "http_version_not_supported",
    "malformed", "unknown", "revoked", "expired", "superseded",
    "untrusted_forward", "loop", "provider_key_unusable", "provider_key_pending", "base_url_unusable",
    "preflight", "client_cancelled", "stream_cut", "killed", "shutdown",
    "upstream_status", "upstream_connect_timeout", "upstream_dns", "upstream_refused", "upstream_certificate", "upstream_connect_failed",
    "upstream_first_byte_timeout", "upstream_idle_timeout", "upstream_reset", "upstream_closed", "upstream_truncated", "upstream_bad_head",
    "upstream_head_too_large", "upstream_bad_framing", "upstream_resolver_busy",
    "upstream_metadata_address", "upstream_link_local_address", "upstream_insecure_address",
    "other",
};
static_assert(std::size(words) == static_cast<size_t>(Reason::Other) + 1, "a word for each reason");

} // namespace reasons

constexpr std::string_view nameOf(Reason reason)
{
    return reasons::words[static_cast<size_t>(reason)];
}
constexpr Reason reasonNamed(std::string_view word)
{
    for (size_t at = 0; at < std::size(reasons::words); ++at) {
        if (reasons::words[at] == word)
            return static_cast<Reason>(at);
    }
    return Reason::Other;
}

// Whether it says that the caller could not show who it is, or may not come from where it comes.
constexpr bool isOfCredential(Reason reason)
{
    switch (reason) {
    case Reason::MissingToken:
    case Reason::InvalidToken:
    case Reason::ConflictingCredentials:
    case Reason::IpNotAllowed:
    case Reason::Malformed:
    case Reason::Unknown:
    case Reason::Revoked:
    case Reason::Expired:
    case Reason::Superseded:
    case Reason::UntrustedForward:
        return true;
    default:
        return false;
    }
}

} // namespace llmproxy
