// SPDX-License-Identifier: GPL-3.0-only
// Revoking tokens, one lineage or a whole project, and removing ended ones.
#include "base/clock.h"
#include "manage/project_records.h"
#include "manage/resources.h"
#include "manage/token_input.h"
#include "manage/views.h"

namespace llmproxy {

namespace {

void addToken(Revocation &revocation, const TokenEntry &token, bool revoke, int64_t nowMs)
{
    revocation.cutIds.emplace_back(token.id());
    if (token.state)
        revocation.lineages.insert(token.state);
    if (!revoke) {
        revocation.alreadyRevoked += token.terms.revokedMs != 0;
        return;
    }
    Token record = token.record();
    record.revokedMs = nowMs;
    revocation.changes.emplace_back(PutToken{std::move(record)});
    ++revocation.revoked;
}

void purgeToken(const CallPtr &call)
{
    call->action = Action::TokenDelete;
    const auto removed = std::make_shared<QJsonObject>();
    const auto decide = [call, removed](const Snapshot &now) -> Result<Decision> {
        const TokenPtr token = now.tokenById(call->id);
        if (!token)
            return tokenNotFound();
        const int64_t nowMs = Clock::wallMs();
        if (token->terms.liveAt(nowMs))
            return Error{ErrorKind::Conflict, "token_live", "A live token cannot be removed; revoke it first.", {}};
        *removed = tokenView(token->record(), token->state.get(), nowMs);
        return Decision{{RemoveToken{QString::fromStdString(call->id)}}, {eventOf(*call, "success", 200)}};
    };
    change(call, 200, decide, [removed] { return *removed; }, Rights::Take);
}

} // namespace

int64_t Revocation::activeStreams() const
{
    int64_t active = 0;
    for (const auto &lineage : lineages)
        active += lineage->active.load(std::memory_order_relaxed);
    return active;
}

Revocation revokeProject(const Snapshot &now, const std::string &projectId, int64_t nowMs)
{
    Revocation revocation;
    now.eachToken([&](const TokenPtr &token) {
        if (token->projectId() == projectId)
            addToken(revocation, *token, token->terms.liveAt(nowMs), nowMs);
    });
    return revocation;
}

Revocation revokeLineage(const Snapshot &now, const TokenEntry &named, int64_t nowMs)
{
    Revocation revocation;
    for (const TokenPtr &token : now.lineage(named.lineage())) {
        const bool alsoExpired = token->id() == named.id() && token->terms.revokedMs == 0;
        addToken(revocation, *token, alsoExpired || token->terms.liveAt(nowMs), nowMs);
    }
    return revocation;
}

void revokeToken(const CallPtr &call)
{
    if (call->query.boolean("purge")) {
        purgeToken(call);
        return;
    }
    const auto done = std::make_shared<Revocation>();
    const auto decide = [call, done](const Snapshot &now) -> Result<Decision> {
        const TokenPtr token = now.tokenById(call->id);
        if (!token)
            return tokenNotFound();
        *done = revokeLineage(now, *token, Clock::wallMs());
        AuditEvent event = eventOf(*call, "success", 200);
        event.detail("revoked_count", done->revoked);
        return Decision{std::move(done->changes), {std::move(event)}};
    };
    change(call, 200, decide, [call, done] {
        call->context().cutStreams(done->cutIds);
        return publishedToken(call->context(), call->id);
    }, Rights::Take);
}

void revokeProjectTokens(const CallPtr &call)
{
    const auto done = std::make_shared<Revocation>();
    const auto decide = [call, done](const Snapshot &now) -> Result<Decision> {
        if (!visibleProject(now, call->id))
            return projectNotFound();
        *done = revokeProject(now, call->id, Clock::wallMs());
        AuditEvent event = eventOf(*call, "success", 200);
        event.detail("revoked_count", done->revoked);
        event.detail("already_revoked_count", done->alreadyRevoked);
        return Decision{std::move(done->changes), {std::move(event)}};
    };
    change(call, 200, decide, [call, done] {
        const int64_t cut = done->activeStreams();
        call->context().cutStreams(done->cutIds);
        return QJsonObject{{QStringLiteral("revoked_count"), qint64{done->revoked}},
                           {QStringLiteral("already_revoked_count"), qint64{done->alreadyRevoked}},
                           {QStringLiteral("streams_cut"), qint64{cut}}};
    }, Rights::Take);
}

} // namespace llmproxy
