// SPDX-License-Identifier: GPL-3.0-only
// Tokens: list, show, change, validate. Issuing is in token_issue.cpp, revoking in token_revoke.cpp.
#include "base/clock.h"
#include "config/settings.h"
#include "manage/page.h"
#include "manage/project_records.h"
#include "manage/resources.h"
#include "manage/token_input.h"
#include "manage/views.h"
#include "secrets/access_token.h"
#include "secrets/key_ring.h"

#include <QJsonDocument>

namespace llmproxy {

namespace {

bool stateMatches(const TokenTerms &record, const std::string &state, int64_t nowMs)
{
    if (state.empty())
        return true;
    return state == "live" ? record.liveAt(nowMs) : tokenState(record, nowMs) == state;
}

Result<Token> changed(const CallPtr &call, const Token &before, const TokenLimits &limits, int64_t expiresMs)
{
    const int64_t nowMs = Clock::wallMs();
    if (before.revokedMs != 0)
        return Error{ErrorKind::Conflict, "token_revoked", "A revoked token cannot be changed.", {}};
    Token record = before;
    applyLimits(limits, *call->context().settings, record);
    if (expiresMs != 0) {
        if (!before.liveAt(nowMs))
            return Error{ErrorKind::Conflict, "token_expired", "An expired token cannot be prolonged; create a new one.",
                         "expires_at"};
        if (auto failure = checkExpiry(*call->context().settings, before.createdMs, expiresMs, nowMs))
            return *failure;
        record.expiresMs = expiresMs;
        if (record.graceUntilMs > expiresMs)
            record.graceUntilMs = expiresMs;
    }
    return record;
}

// Why a token would be refused now; empty: it would not.
std::string refusalOf(const Snapshot &now, const TokenPtr &token, int64_t nowMs)
{
    if (!token)
        return "unknown";
    if (token->terms.revokedMs != 0)
        return "revoked";
    if (!token->terms.liveAt(nowMs))
        return "expired";
    const ProjectPtr project = visibleProject(now, std::string(token->projectId()));
    return project && project->record.active ? "" : "project_inactive";
}

} // namespace

Error tokenNotFound()
{
    return {ErrorKind::NotFound, "not_found", "There is no token of this id.", {}};
}

QJsonObject publishedToken(const ManageContext &context, const std::string &id)
{
    const TokenPtr token = context.snapshots->current()->tokenById(id);
    return token ? tokenView(token->record(), token->state.get(), Clock::wallMs()) : QJsonObject();
}

void listTokens(const CallPtr &call)
{
    const auto page = PageRequest::from(call->query);
    if (!page) {
        refuse(call, page.error());
        return;
    }
    const int64_t nowMs = Clock::wallMs();
    const std::string state = call->query.text("state").toStdString();
    const std::string projectId = call->query.text("project_id").toStdString();
    const QString q = call->query.text("q");
    Page items(*page);
    call->context().snapshots->current()->eachToken([&](const TokenPtr &token) {
        if ((!projectId.empty() && token->projectId() != projectId) || !stateMatches(token->terms, state, nowMs) || !nameMatches(token->name(), q))
            return;
        items.offer(token->terms.createdMs, token->name(), token->id(),
                    [token, nowMs] { return tokenView(token->record(), token->state.get(), nowMs); });
    });
    noteRead(call);
    answer(call, 200, items.json());
}

void readToken(const CallPtr &call)
{
    const TokenPtr token = call->context().snapshots->current()->tokenById(call->id);
    if (!token) {
        refuse(call, tokenNotFound());
        return;
    }
    noteRead(call);
    answer(call, 200, tokenView(token->record(), token->state.get(), Clock::wallMs()));
}

void updateToken(const CallPtr &call)
{
    const JsonObject body = call->input.root();
    const auto limits = readLimits(body);
    if (!limits) {
        refuse(call, limits.error());
        return;
    }
    std::string names;
    for (const std::string &name : body.names())
        names += (names.empty() ? "" : ",") + name;
    const auto decide = [call, limits = *limits, names, expiresMs = body.time("expires_at")](
                            const Snapshot &now) -> Result<Decision> {
        const TokenPtr token = now.tokenById(call->id);
        if (!token)
            return tokenNotFound();
        auto record = changed(call, token->record(), limits, expiresMs);
        if (!record)
            return record.error();
        AuditEvent event = eventOf(*call, "success", 200);
        event.detail("changed", names);
        return Decision{{PutToken{std::move(*record)}}, {std::move(event)}};
    };
    change(call, 200, decide, [call] {
        call->context().renewExpiry(call->id);
        return publishedToken(call->context(), call->id);
    });
}

void validateToken(const CallPtr &call)
{
    const std::string_view text = call->input.root().secret("token"); // wiped with the input
    const SnapshotPtr now = call->context().snapshots->current();
    std::string reason = "malformed";
    if (isWellFormedAccessToken(text)) {
        const TokenPtr token = now->tokenByHash(hashAccessToken(call->context().keys->tokenHashKey(), text));
        reason = refusalOf(*now, token, Clock::wallMs());
        if (token) {
            call->projectId = token->projectId();
            call->tokenUuid = token->id();
            call->tokenMasked = token->masked();
        }
    }
    AuditEvent event = eventOf(*call, reason.empty() ? "success" : "failure", 200);
    event.detail("reason", reason);
    const QJsonObject body{{QStringLiteral("valid"), reason.empty()},
                           {QStringLiteral("reason"),
                            reason.empty() ? QJsonValue() : QJsonValue(QString::fromStdString(reason))}};
    ManageAnswer durable;
    durable.body = QJsonDocument(body).toJson(QJsonDocument::Compact);
    answerAudited(call, std::move(event), std::move(durable));
}

} // namespace llmproxy
