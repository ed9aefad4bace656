// SPDX-License-Identifier: GPL-3.0-only
#include "front/refusal.h"

#include <cstdio>

namespace llmproxy {

namespace {

struct CodeRow
{
    const char *code;
    int status;
    const char *openAiType;
    const char *anthropicType; // platform.claude.com error types
    const char *geminiStatus;  // google.rpc.Code names
};

constexpr CodeRow codeTable[] = {
    {"bad_request", 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"param_not_allowed", 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"origin_required", 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"conflicting_credentials", 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"missing_token", 401, "authentication_error", "authentication_error", "UNAUTHENTICATED"},
    {"invalid_token", 401, "authentication_error", "authentication_error", "UNAUTHENTICATED"},
    {"budget_exceeded", 402, "insufficient_quota", "billing_error", "FAILED_PRECONDITION"},
    {"project_inactive", 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {"model_not_allowed", 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {"endpoint_not_allowed", 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {"origin_not_allowed", 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {"ip_not_allowed", 403, "permission_error", "permission_error", "PERMISSION_DENIED"},
    {"endpoint_not_found", 404, "invalid_request_error", "not_found_error", "NOT_FOUND"},
    {"method_not_allowed", 405, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"request_timeout", 408, "timeout_error", "timeout_error", "DEADLINE_EXCEEDED"},
    {"request_too_large", 413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"},
    {"uri_too_long", 414, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"unsupported_body", 415, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"expectation_failed", 417, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"misdirected_request", 421, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"upgrade_required", 426, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"rate_limit_exceeded", 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {"request_quota_exceeded", 429, "insufficient_quota", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {"too_many_concurrent", 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {"headers_too_large", 431, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {"internal_error", 500, "server_error", "api_error", "INTERNAL"},
    {"not_implemented", 501, "invalid_request_error", "invalid_request_error", "UNIMPLEMENTED"},
    {"upstream_unreachable", 502, "server_error", "api_error", "UNAVAILABLE"},
    {"service_unavailable", 503, "server_error", "overloaded_error", "UNAVAILABLE"},
    {"upstream_timeout", 504, "server_error", "timeout_error", "DEADLINE_EXCEEDED"},
    {"http_version_not_supported", 505, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
};

const CodeRow *rowOf(std::string_view code)
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

int statusOf(std::string_view code)
{
    const CodeRow *row = rowOf(code);
    return row ? row->status : 500;
}

Refusal refusal(std::string_view code, std::string message)
{
    Refusal out;
    out.code = code;
    out.status = statusOf(code);
    out.message = std::move(message);
    return out;
}

Dialect dialectOf(std::string_view path, bool anthropicVersionHeader)
{
    if (startsWith(path, "/manage/") || path == "/manage" || path == "/health" || path == "/ready" || path == "/metrics")
        return Dialect::Management;
    if (startsWith(path, "/gemini/") || startsWith(path, "/v1beta/"))
        return Dialect::Gemini;
    if (startsWith(path, "/anthropic/") || path == "/v1/messages" || startsWith(path, "/v1/messages/") || (startsWith(path, "/v1/") && anthropicVersionHeader))
        return Dialect::Anthropic;
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
        return R"({"error":{"code":")" + jsonEscaped(refusal.code) + R"(","message":")" + message + R"("}})";
    case Dialect::OpenAi:
        break;
    }
    return R"({"error":{"message":")" + message + R"(","type":")" + (row ? row->openAiType : "server_error")
           + R"(","param":null,"code":")" + jsonEscaped(refusal.code) + R"("}})";
}

} // namespace llmproxy
