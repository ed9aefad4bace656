// SPDX-License-Identifier: GPL-3.0-only
// Name, note and limits of a token as given in a body; what is not given stays. Thread: values.
#pragma once

#include "access/records.h"
#include "manage/call.h"

#include <optional>

namespace llmproxy {

struct TokenLimits
{
    std::optional<QString> name, note;
    std::optional<int64_t> maxRequests;
    std::optional<int> rateLimit; // -1: the default of the settings
    std::optional<int> maxConcurrent;
    std::optional<QStringList> allowedModels, allowedEndpoints, allowedIps;
};

Result<TokenLimits> readLimits(const JsonObject &body);
void applyLimits(const TokenLimits &limits, const Settings &settings, Token &record);
// In the future, and at most TOKEN_MAX_LIFETIME from its creation. Names expires_at.
Outcome checkExpiry(const Settings &settings, int64_t createdMs, int64_t expiresMs, int64_t nowMs);

Error tokenNotFound();
// The token as it stands in the newest snapshot.
QJsonObject publishedToken(const ManageContext &context, const std::string &id);

} // namespace llmproxy
