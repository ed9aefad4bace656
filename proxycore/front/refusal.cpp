// SPDX-License-Identifier: GPL-3.0-only
#include "front/refusal.h"

#include "front/http_types.h"
#include "front/routes.h"

#include <cstdio>

namespace llmproxy {

namespace {

struct CodeRow
{
    Reason code;
    int status;
    const char *openAiType;
    const char *anthropicType; // platform.claude.com error types
    const char *geminiStatus;  // google.rpc.Code names
};

constexpr CodeRow codeTable[] = {
    {Reason::BadRequest, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::ParamNotAllowed, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::OriginRequired, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::ConflictingCredentials, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::MissingToken, 401, "authentication_error", "authentication_error", "UNAUTHENTICATED"},
    {Reason::InvalidToken, 401, "authentication_error", "authentication_error", "UNAUTHENTICATED"},
    {Reason::BudgetExceeded, 402, "insufficient_quota", "billing_error", "FAILED_PRECONDITION"},
    {Reason::ProjectInactive, 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {Reason::ModelNotAllowed, 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {Reason::EndpointNotAllowed, 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {Reason::OriginNotAllowed, 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {Reason::IpNotAllowed, 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {Reason::EndpointNotFound, 404, "invalid_request_error", "not_found_error", "NOT_FOUND"},
    {Reason::MethodNotAllowed, 405, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::RequestTimeout, 408, "timeout_error", "timeout_error", "DEADLINE_EXCEEDED"},
    {Reason::RequestTooLarge, 413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"},
    {Reason::UriTooLong, 414, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::UnsupportedBody, 415, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::ExpectationFailed, 417, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::MisdirectedRequest, 421, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::UpgradeRequired, 426, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::RateLimitExceeded, 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {Reason::RequestQuotaExceeded, 429, "insufficient_quota", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {Reason::TooManyConcurrent, 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {Reason::HeadersTooLarge, 431, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {Reason::InternalError, 500, "server_error", "api_error", "INTERNAL"},
    {Reason::NotImplemented, 501, "invalid_request_error", "invalid_request_error", "UNIMPLEMENTED"},
    {Reason::UpstreamUnreachable, 502, "server_error", "api_error", "UNAVAILABLE"},
    {Reason::ServiceUnavailable, 503, "server_error", "overloaded_error", "UNAVAILABLE"},
    {Reason::UpstreamTimeout, 504, "server_error", "timeout_error", "DEADLINE_EXCEEDED"},
    {Reason::HttpVersionNotSupported, 505, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
};

const CodeRow *rowOf(Reason code)
{
    for (const CodeRow &row : codeTable) {
        if (code == row.code)
            return &row;
    }
    return nullptr;
}

bool startsWith(std::string_view text, std::string_view prefix)
{
    return text.substr(0, prefix.size()) == prefix;
}

} // namespace

int statusOf(Reason code)
{
    const CodeRow *row = rowOf(code);
    return row ? row->status : 500;
}

Refusal refusal(Reason code, std::string message)
{
    Refusal out;
    out.code = code;
    out.status = statusOf(code);
    out.message = std::move(message);
    return out;
}

Dialect dialectOf(const RequestHead &head)
{
    const std::string_view path = head.path;
    if (startsWith(path, "/manage/") || path == "/manage" || path == "/health" || path == "/ready" || path == "/metrics")
        return Dialect::Management;
    if (startsWith(path, "/anthropic/") || speaksAnthropic(head))
        return Dialect::Anthropic;
    if (startsWith(path, "/gemini/") || speaksGemini(head))
        return Dialect::Gemini;
    return Dialect::OpenAi;
}

std::string jsonEscaped(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + 8);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", byte);
            out += escape;
        } else {
            out += c;
        }
    }
    return out;
}

std::string refusalBody(Dialect dialect, const Refusal &refusal)
{
    const CodeRow *row = rowOf(refusal.code);
    const std::string message = jsonEscaped(refusal.message);
    switch (dialect) {
    case Dialect::Anthropic:
        return std::string(R"({"type":"error","error":{"type":")") + (row ? row->anthropicType : "api_error")
               + R"(","message":")" + message + R"("}})";
    case Dialect::Gemini:
        return R"({"error":{"code":)" + std::to_string(refusal.status) + R"(,"message":")" + message
               + R"(","status":")" + (row ? row->geminiStatus : "INTERNAL") + R"("}})";
    case Dialect::Management:
        return R"({"error":{"code":")" + std::string(nameOf(refusal.code)) + R"(","message":")" + message + R"("}})";
    case Dialect::OpenAi:
        break;
    }
    return R"({"error":{"message":")" + message + R"(","type":")" + (row ? row->openAiType : "server_error")
           + R"(","param":null,"code":")" + std::string(nameOf(refusal.code)) + R"("}})";
}

} // namespace llmproxy
