// SPDX-License-Identifier: GPL-3.0-only
// Issuing tokens: create and refresh. The whole token exists in locked memory and in the one answer.
#include "audit/masking.h"
#include "base/clock.h"
#include "base/random.h"
#include "config/settings.h"
#include "manage/project_records.h"
#include "manage/resources.h"
#include "manage/token_input.h"
#include "secrets/access_token.h"
#include "secrets/key_ring.h"

#include <algorithm>

namespace llmproxy {

namespace {


// A new secret and the fields of the record that come from it; id and times are the caller's.
std::shared_ptr<const Secret> issue(const ManageContext &context, Token &record)
{
    const auto secret = std::make_shared<const Secret>(generateAccessToken());
    const TokenHash hash = hashAccessToken(context.keys->tokenHashKey(), secret->reveal());
    record.id = QString::fromStdString(randomUuid());
    record.hash = QByteArray(reinterpret_cast<const char *>(hash.data()), static_cast<qsizetype>(hash.size()));
    record.hashAlg = QStringLiteral("hmac-sha256-v1");
    record.masked = QString::fromStdString(maskSecret(secret->reveal()));
    return secret;
}

QJsonObject withSecret(QJsonObject view, const Secret &secret)
{
    const std::string_view whole = secret.reveal();
    view.insert(QStringLiteral("token"), QString::fromLatin1(whole.data(), static_cast<qsizetype>(whole.size())));
    return view;
}

Result<int64_t> readLifetime(const Settings &settings, const JsonObject &body, int64_t nowMs)
{
    const auto minutes = body.integer("duration_minutes");
    if (body.has("expires_at")) {
        const int64_t expiresMs = body.time("expires_at");
        if (auto failure = checkExpiry(settings, nowMs, expiresMs, nowMs))
            return *failure;
        return expiresMs - nowMs;
    }
    if (!minutes)
        return std::min(settings.tokenDefaultLifetimeMs, settings.tokenMaxLifetimeMs);
    if (*minutes > settings.tokenMaxLifetimeMs / minuteMs)
        return invalidField("duration_minutes",
                            "'duration_minutes' is beyond the longest lifetime, TOKEN_MAX_LIFETIME ("
                                + std::to_string(settings.tokenMaxLifetimeMs / minuteMs) + " minutes).");
    return *minutes * minuteMs;
}

Result<int64_t> readGrace(const JsonObject &body)
{
    constexpr int64_t defaultGraceMs = 10 * minuteMs;
    if (const auto minutes = body.integer("grace_minutes"))
        return *minutes * minuteMs;
    if (const auto seconds = body.integer("grace_seconds"))
        return *seconds * 1000;
    if (!body.has("grace"))
        return defaultGraceMs;
    const QString text = body.text("grace");
    if (text == QLatin1String("0"))
        return int64_t{0};
    const auto grace = parseDurationMs(text.toStdString());
    if (!grace || *grace < 0)
        return invalidField("grace", "'grace' must be a duration like 30s, 10m or 2h.");
    return *grace;
}

Outcome checkProject(const Snapshot &now, const std::string &projectId)
{
    const ProjectPtr project = visibleProject(now, projectId);
    if (!project)
        return Error{ErrorKind::NotFound, "not_found", "There is no project of this id.", "project_id"};
    if (!project->record.active)
        return Error{ErrorKind::Conflict, "project_inactive", "The project is not active.", "project_id"};
    return {};
}

} // namespace

void createToken(const CallPtr &call)
{
    const Settings &settings = *call->context().settings;
    const JsonObject body = call->input.root();
    const int64_t nowMs = Clock::wallMs();
    const std::string projectId = body.text("project_id").toStdString();
    if (visibleProject(*call->context().snapshots->current(), projectId))
        call->projectId = projectId;
    const auto limits = readLimits(body);
    const auto lifetimeMs = readLifetime(settings, body, nowMs);
    if (!limits || !lifetimeMs) {
        refuse(call, limits ? lifetimeMs.error() : limits.error());
        return;
    }
    Token record;
    const auto secret = issue(call->context(), record);
    record.lineage = record.id;
    record.projectId = QString::fromStdString(projectId);
    record.rateLimit = settings.tokenDefaultRateLimit;
    applyLimits(*limits, settings, record);
    record.createdMs = nowMs;
    record.lifetimeMs = *lifetimeMs;
    record.expiresMs = nowMs + *lifetimeMs;

    const std::string id = record.id.toStdString(), isolation = body.has("isolation") ? body.text("isolation").toStdString() : std::string();
    const auto decide = [call, record, projectId, isolation](const Snapshot &now) -> Result<Decision> {
        if (auto failure = checkProject(now, projectId))
            return *failure;
        AuditEvent event = eventOf(*call, "success", 201);
        event.projectId = projectId;
        event.detail("duration_minutes", record.lifetimeMs / minuteMs);
        event.detail("token_id", record.masked.toStdString());
        event.detail("token_uuid", record.id.toStdString());
        if (!isolation.empty())
            event.detail("isolation", isolation);
        return Decision{{PutToken{record}}, {std::move(event)}};
    };
    change(call, 201, decide, [call, id, secret] { return withSecret(publishedToken(call->context(), id), *secret); });
}

void refreshToken(const CallPtr &call)
{
    const auto graceMs = readGrace(call->input.root());
    if (!graceMs) {
        refuse(call, graceMs.error());
        return;
    }
    Token fresh;
    const auto secret = issue(call->context(), fresh);
    const auto validUntil = std::make_shared<int64_t>(0);
    const auto decide = [call, fresh, validUntil, graceMs = *graceMs](const Snapshot &now) -> Result<Decision> {
        const TokenPtr token = now.tokenById(call->id);
        if (!token)
            return tokenNotFound();
        const int64_t nowMs = Clock::wallMs();
        if (!token->terms.liveAt(nowMs))
            return Error{ErrorKind::Conflict, "token_not_live", "Only a live token can be refreshed; create a new one.",
                         {}};
        if (auto failure = checkProject(now, std::string(token->projectId())))
            return *failure;
        Token old = token->record();
        Token successor = old; // same policy, lineage and lifetime
        successor.id = fresh.id;
        successor.hash = fresh.hash;
        successor.hashAlg = fresh.hashAlg;
        successor.masked = fresh.masked;
        successor.createdMs = nowMs;
        successor.lifetimeMs = std::min(old.lifetimeMs, call->context().settings->tokenMaxLifetimeMs);
        successor.expiresMs = nowMs + successor.lifetimeMs;
        successor.graceUntilMs = 0;
        const int64_t endMs = old.graceUntilMs != 0 ? std::min(old.graceUntilMs, old.expiresMs) : old.expiresMs;
        old.graceUntilMs = graceMs >= endMs - nowMs ? endMs : nowMs + graceMs;
        *validUntil = old.graceUntilMs;
        AuditEvent event = eventOf(*call, "success", 201);
        event.detail("duration_minutes", successor.lifetimeMs / minuteMs);
        event.detail("grace_seconds", (old.graceUntilMs - nowMs) / 1000);
        event.detail("successor_id", successor.masked.toStdString());
        event.detail("successor_uuid", successor.id.toStdString());
        return Decision{{PutToken{std::move(old)}, PutToken{std::move(successor)}}, {std::move(event)}};
    };
    change(call, 201, decide, [call, secret, validUntil, id = fresh.id.toStdString()] {
        QJsonObject view = withSecret(publishedToken(call->context(), id), *secret);
        view.insert(QStringLiteral("previous"),
                    QJsonObject{{QStringLiteral("id"), QString::fromStdString(call->id)},
                                {QStringLiteral("valid_until"), QString::fromStdString(rfc3339(*validUntil))}});
        return view;
    });
}

} // namespace llmproxy
