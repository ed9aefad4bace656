// SPDX-License-Identifier: GPL-3.0-only
#include "manage/token_input.h"

#include "access/cidr.h"
#include "config/settings.h"

namespace llmproxy {

namespace {

Outcome checkEach(const JsonObject &body, std::string_view name, bool (*accepts)(const QString &), const char *message)
{
    const QStringList texts = body.list(name);
    for (qsizetype i = 0; i < texts.size(); ++i) {
        if (!accepts(texts.at(i))) {
            const std::string field = body.fieldName(name) + "[" + std::to_string(i) + "]";
            return invalidField(field, "'" + field + "' " + message);
        }
    }
    return {};
}

std::optional<QString> textOf(const JsonObject &body, std::string_view name)
{
    return body.has(name) ? std::optional(body.text(name)) : std::nullopt;
}

std::optional<QStringList> listOf(const JsonObject &body, std::string_view name)
{
    return body.has(name) ? std::optional(body.list(name)) : std::nullopt;
}

} // namespace

Result<TokenLimits> readLimits(const JsonObject &body)
{
    if (auto failure = checkEach(body, "allowed_endpoints",
                                 [](const QString &text) { return text.startsWith(QLatin1Char('/')); },
                                 "must begin with '/'."))
        return *failure;
    if (auto failure = checkEach(body, "allowed_ips",
                                 [](const QString &text) { return Cidr::parse(text.toStdString()).has_value(); },
                                 "must be an address or a network like 10.0.0.0/8."))
        return *failure;
    TokenLimits limits;
    limits.name = textOf(body, "name");
    limits.note = textOf(body, "note");
    limits.allowedModels = listOf(body, "allowed_models");
    limits.allowedEndpoints = listOf(body, "allowed_endpoints");
    limits.allowedIps = listOf(body, "allowed_ips");
    if (body.has("max_requests"))
        limits.maxRequests = body.integer("max_requests").value_or(0);
    if (body.has("rate_limit"))
        limits.rateLimit = static_cast<int>(body.integer("rate_limit").value_or(-1));
    if (body.has("max_concurrent"))
        limits.maxConcurrent = static_cast<int>(body.integer("max_concurrent").value_or(0));
    return limits;
}

void applyLimits(const TokenLimits &limits, const Settings &settings, Token &record)
{
    record.name = limits.name.value_or(record.name);
    record.note = limits.note.value_or(record.note);
    record.maxRequests = limits.maxRequests.value_or(record.maxRequests);
    record.maxConcurrent = limits.maxConcurrent.value_or(record.maxConcurrent);
    record.allowedModels = limits.allowedModels.value_or(record.allowedModels);
    record.allowedEndpoints = limits.allowedEndpoints.value_or(record.allowedEndpoints);
    record.allowedIps = limits.allowedIps.value_or(record.allowedIps);
    if (limits.rateLimit)
        record.rateLimit = *limits.rateLimit < 0 ? settings.tokenDefaultRateLimit : *limits.rateLimit;
}

Outcome checkExpiry(const Settings &settings, int64_t createdMs, int64_t expiresMs, int64_t nowMs)
{
    if (expiresMs <= nowMs)
        return invalidField("expires_at", "'expires_at' must be in the future.");
    if (expiresMs - createdMs > settings.tokenMaxLifetimeMs)
        return invalidField("expires_at", "'expires_at' is beyond the longest lifetime, TOKEN_MAX_LIFETIME.");
    return {};
}

} // namespace llmproxy
